"""Values that options must refuse, by workflow and option; those of an option are separated by spaces, '' is empty."""

NUMBER = "true much [1] {'a':1} '' nan inf -inf"
COUNT = "true much [1] {'a':1} '' nan inf -inf 0 -1 1.5 null"
FRACTION = "-0.1 1.5 true much [1] {'a':1} '' nan inf -inf"
RATE = "0 -0.1 1.5 null true much [1] {'a':1} '' nan inf -inf"
SWITCH = "perhaps 2 null [true] ''"
SEED = "-1 9223372036854775808 1e30 0.5 true zero null [0]"
DEVICE = "meta mps xpu cuda:99 cuda:-1 tpu '' 0 true [cpu] null"
SIZE = (
    "[100000,100000] [1e5,1e5] [8,8] [-32,32] [0,0] 256 [32] [32,32,32] big [32.5,32] [true,true] "
    "['32','32'] {'a':32} '' [nan,32] [32,1000000000000]"
)
WIDTH = "0 -8 100000 1000000000 2.5 true wide null [8]"
LAYERS = "[] [0] [-1,2] [100000] [1.5,2] 2 many null [true,2]"
PLANE = "corona 0 '' [coronal] true"
PATTERN = "gausian1d '' 0 [gaussian1d] {'a':1} null"
FILE = "nothing.pt '' 0 true [a.pt] ."
FOLDER = "'' 0 true [out] /dev/null/out null"
SECTION = "test '' 0 null [testing] name"
RANGE = "[0.5] [0.5,0.1] [-1,0.5] [nan,0.5] [0.1,inf] 0.5 many null [true,true] ['a','b'] []"
SHARES = (
    "{} {'x':1} {'gaussian1d':0.5} {'gaussian1d':nan} {'gaussian1d':-1,'random':2} 1 '' [1] null {'gaussian1d':true}"
)
LEARNING_RATE = "0 -0.1 true much [1] {'a':1} '' nan inf -inf null"

SCAN = {
    "pattern": PATTERN,
    "rate": RATE,
    "axis": "0 1 -3 '' x true [-1] null 1e30",
    "partial_fourier": NUMBER + " 0 0.4 1.5",
    "track": "raw '' 0 true [replica] null",
    "seed": SEED,
    "hermitian": SWITCH,
    "use_phase": SWITCH,
    "size": SIZE,
    "plane": PLANE,
    "weights": FILE,
    "device": DEVICE,
    "amp": "perhaps 2 null '' [true]",
    "batch_size": COUNT + " 100000000000",
    "network_def#width": WIDTH,
    "network_def#layers": LAYERS,
    "network_def#cascades": "0 -1 100000 1.5 true x null",
    "network_def#noise_layers": LAYERS,
    "network_def#stem": "'' 0 other null",
    "output_dir": FOLDER,
}

SIMULATED = {
    "snr": NUMBER + " -3 0 1e-30",
    "coils": COUNT + " 100000 1000000000000",
}

RECONSTRUCT = SCAN | {
    "series": "nothing",
    "format": "jpeg '' 0 null [nifti]",
    "source_dicom": "nothing '' 0",
    "deidentify": SWITCH,
    "overwrite": SWITCH,
    "keep_names": SWITCH,
    "save_zero_filled": SWITCH,
    "save_error_map": SWITCH,
    "report": SWITCH,
    "save_kspace_residual": SWITCH,
    "mask": "nothing.npy '' 0 true [1,0] .",
    "phase": "nothing.nii '' 0",
    "retrospective": SWITCH,
}

RAW = {
    "noise_std": "-1 much true nan inf [1] '' null",
    "virtual_coils": COUNT,
    "maps": "nothing.npy '' 0 true [1] .",
    "maps_cache": "'' true [a] /dev/null/x",
    "axes": "coils '' coils,coils,h,w 0 [coils,h,w] true",
    "mask": "nothing.npy ''",
    "rate": "nan",
}

MASKED = {
    "noise_std": "-1 much true nan inf [1] '' null",
    "track": "simulated '' 0",
}

MANIFEST = {
    "datalist": "nothing '' 0 true [embedded] null /dev/null",
    "dataset_dir": "nothing '' 0 true",
}

EVALUATE = (
    SCAN
    | MANIFEST
    | {
        "section": SECTION,
        "save_volumes": SWITCH,
        "reports": SWITCH,
        "figures": SWITCH,
        "min_foreground": FRACTION,
    }
)

TRAIN_BOTH = MANIFEST | {
    "seed": SEED,
    "device": DEVICE,
    "amp": "perhaps 2 null '' [true]",
    "output_dir": FOLDER,
    "ckpt_dir": FOLDER,
    "cache_dir": "'' 0 true [out] /dev/null/out",
    "resume": SWITCH,
    "init_weights": FILE,
    "num_workers": "-1 1.5 100000 many true nan [1] null ''",
    "max_epochs": COUNT + " 100000000000000000000",
    "batch_size": COUNT + " 100000000000",
    "learning_rate": LEARNING_RATE,
    "val_interval": COUNT,
}

TRAIN = TRAIN_BOTH | {
    "gan_fraction": FRACTION,
    "slices_per_epoch": COUNT + " 10000000000",
    "critic_learning_rate": LEARNING_RATE,
    "warmup_steps": NUMBER + " -1 1.5",
    "loss_weights": "{} {'x':1} {'a':nan} {'a':-1} {'a':true} {'a':much} 1 '' null [1]",
    "loss_weights#a": NUMBER + " -1",
    "adversarial_share": FRACTION,
    "adversarial_weight": NUMBER + " -1",
    "n_critic": COUNT,
    "clip_limit": NUMBER + " -1",
    "penalty_weight": NUMBER + " -1",
    "planes": "[] corona [corona] 0 null [0] ''",
    "size": SIZE,
    "crop": "[100000,32] [0,32] [-16,32] 16 [16] [16.5,32] big null [true,32]",
    "min_pixels": NUMBER + " -1 1.5 1000000",
    "transpose_probability": FRACTION,
    "rates": RANGE,
    "lines": SHARES,
    "points": "{} {'x':1} {'poisson':0.5} {'poisson':nan} 1 ''",
    "points_probability": FRACTION,
    "partial_fourier_probability": FRACTION,
    "replica_probability": FRACTION,
    "hermitian_probability": FRACTION,
    "coils": COUNT + " 100000 1000000000000",
    "multi_coil_probability": FRACTION,
    "coil_maps": FILE,
    "snr": "[0.5] [50,3] [-3,100] [nan,100] [3,inf] 20 many null [0,0]",
    "exact_probability": FRACTION,
    "phase_known": FRACTION,
    "measure_once": SWITCH,
    "val_scans": "[] {} 1 [1] [{'rate':2}] [{'x':1}] [{'rate':0.1,'snr':-1,'track':'simulated'}] null",
    "val_planes": "[] corona [corona] 0 null",
    "val_slices": COUNT,
    "network_def#width": WIDTH,
    "network_def#layers": LAYERS,
    "network_def#cascades": "0 -1 100000 1.5 true x",
    "critic_def#width": WIDTH,
    "critic_def#layers": LAYERS,
}

SEGMENT_BOTH = {
    "method": "magic '' 0 null [network]",
    "contrast": "pd '' 0 null t2",
    "bias_field": SWITCH,
    "denoise": SWITCH,
    "weights": FILE,
    "device": DEVICE,
    "amp": "perhaps 2 null '' [true]",
    "roi_size": (
        "[100000,100000,100000] [1000000000,96,96] 96 [96,96] [0,96,96] [-1,96,96] [96.5,96,96] big "
        "null [true,96,96] [nan,96,96] {} ['96',96,96]"
    ),
    "overlap": NUMBER + " 1 1.5 -0.1 null",
    "batch_size": COUNT + " 100000000000",
    "output_dir": FOLDER,
    "network_def#neighbours": "-1 1.5 100000 x",
    "network_def#axis": "3 -1 x 1.5",
}

SEGMENT = SEGMENT_BOTH | {
    "series": "nothing",
    "format": "jpeg '' 0 null",
    "deidentify": SWITCH,
    "overwrite": SWITCH,
    "keep_names": SWITCH,
    "report": SWITCH,
    "save_regions": SWITCH,
    "minimum_size_mm3": NUMBER,
}

SEGMENT_EVALUATE = (
    SEGMENT_BOTH
    | MANIFEST
    | {
        "section": SECTION,
        "save_labels": SWITCH,
    }
)

TISSUE_TRAIN = TRAIN_BOTH | {
    "patches_per_epoch": COUNT + " 10000000000",
    "patch_size": (
        "[100000,100000,100000] [0,16,16] [-16,16,16] [16,16] 16 big [17,16,16] null [true,16,16] [16.5,16,16]"
    ),
    "bias_field": SWITCH,
    "degraded_copies": NUMBER + " -1 1.5 100000000000",
    "degraded_fraction": FRACTION,
    "undersampled": FRACTION,
    "reconstructed": FRACTION,
    "reconstruction_bundle": "nothing '' 0 null",
    "rates": RANGE,
    "patterns": "[] [x] x 0 null ''",
    "slice_axes": "[] [3] [-1] x 1 null [1.5]",
    "slice_size": SIZE,
    "val_patches": COUNT,
    "val_patch_size": "[100000,100000,100000] [0,16,16] [16,16] 16 big null",
    "patch_margin": "-1 1.5 x 1000000000000",
}

SWITCHES = {
    name for table in (RECONSTRUCT, EVALUATE, TRAIN, SEGMENT) for name, values in table.items() if values == SWITCH
}
