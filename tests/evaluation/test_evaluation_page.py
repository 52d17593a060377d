"""Pages of an evaluation: the worst slice of each scan, the worst scan first; numbers are those of the files."""

import json
import re

import numpy as np
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from monai_gan_recon.evaluation import ReconstructionReport, TissueReport, score_volume
from monai_gan_recon.report.pixels import decode
from monai_gan_recon.segmentation.labels import ReferenceLabels


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.S)[1])


def pixels(data, layer, slice_number):
    content = data["labels"] if layer == "labels" else data["layers"][layer]
    values = decode(content["slices"][slice_number], data["size"])
    return values if layer == "labels" else values / 255 * content["high"]


def spoiled(volume, number, std):
    generator = torch.Generator().manual_seed(0)
    pred = volume["pred"].clone()
    pred[:, number] += std * torch.rand(pred[:, number].shape, generator=generator)
    return {**volume, "pred": pred}


def test_the_worst_slice_is_the_one_that_was_spoiled(volume):
    scores = score_volume(spoiled(volume("anna"), 4, 0.3))
    assert scores.worst.name == "anna_T1w, slice 5"
    mine = [row for row in scores.rows if row.method == "reconstruction"]
    assert scores.worst.score == min(row.metrics["psnr_brain"] for row in mine)
    torch.testing.assert_close(scores.worst.images["reference"], volume("anna")["label"][0, 4].half())


def test_reconstructions_worst_first_and_of_any_size(tmp_path, volume):
    people = [
        spoiled(volume("anna", 1), 3, 0.1),
        spoiled(volume("bert", 2, size=(56, 40)), 5, 0.5),
    ]
    protocol = {"track": "replica", "pattern": "gaussian1d", "rate": 0.4, "size": None, "plane": "coronal"}
    report = ReconstructionReport(tmp_path, "phantoms", protocol)
    for person in people:
        report.add(person)
    report.finish()
    (page,) = tmp_path.glob("*_report.html")
    data = data_of(page)
    assert data["size"] == [56, 40]
    assert [name.split(",")[0] for name in data["names"]] == ["bert_T1w", "anna_T1w"]
    assert [name.split()[-1] for name in data["names"]] == ["6", "4"]
    shown, high = pixels(data, "reference", 0), data["layers"]["reference"]["high"]
    np.testing.assert_allclose(shown, people[1]["label"][0, 5].clamp(max=high), atol=0.01)
    text = page.read_text(encoding="utf-8")
    (result,) = [
        e for e in json.loads((tmp_path / "metrics.json").read_text())["results"] if e["method"] != "zero_filled"
    ]
    assert f"{result['psnr_brain']['mean']:.2f}" in text


def test_tissues_show_where_they_are_not_as_in_the_reference(tmp_path):
    affine = torch.diag(torch.tensor([1.0, 1.0, 2.0, 1.0], dtype=torch.float64))
    truth = torch.zeros(1, 12, 10, 8, dtype=torch.uint8)
    truth[:, 2:10, 2:8], truth[:, 4:8, 4:6] = 2, 3
    found = truth.clone()
    found[:, 4:8, 4:6, 5] = 2  # one axial slice lost its white matter
    output = {
        "case": "anna_T1w",
        "person": "anna",
        "image": MetaTensor(truth.float() * 100, affine=affine),
        "pred": MetaTensor(found, affine=affine),
        "reference": ReferenceLabels(MetaTensor(truth, affine=affine), {2: "gm", 3: "wm"}),
        "seconds": 1.0,
        "network_seconds": 0.5,
    }
    report = TissueReport(tmp_path, {"dataset": "phantoms", "method": "network"})
    engine = Engine(lambda _engine, batch: batch)
    report.attach(engine)
    engine.run([output])
    data = data_of(tmp_path / "phantoms_network_report.html")
    assert data["names"][0].startswith("anna_T1w, slice 6")
    labels = pixels(data, "labels", 0)
    assert (labels == 4).sum() == 8
    assert set(np.unique(labels)) == {0, 2, 4}
