import pytest

from monai_gan_recon import bundle
from monai_gan_recon.kspace import PATTERNS
from monai_gan_recon.transforms import geometry
from monai_gan_recon.vocabulary import PLANES

NOT_NUMBERS = ["0.1", None, True, [], [0.1, 0.5], float("nan")]


def ends(check, *arguments, **named):
    with pytest.raises(SystemExit) as caught:
        check(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_good_protocols_pass(pattern):
    bundle.validate_protocol(pattern, 0.1, "axial", [64, 128], "simulated", 20.0)
    bundle.validate_protocol(pattern, 1, "coronal", None, "replica", None)
    bundle.validate_rate_range((0.08, 0.55))


def test_every_plane_is_known_to_the_transforms_and_checks():
    assert [geometry.plane_axcodes(plane) for plane in PLANES] == ["AIL", "SPL", "RIA"]


@pytest.mark.parametrize("rate", [0, -0.1, 1.01, *NOT_NUMBERS])
def test_bad_rates(rate):
    assert "(0, 1]" in ends(bundle.validate_protocol, "gaussian1d", rate)
    assert "rate_range" in ends(bundle.validate_rate_range, [0.1, rate])


@pytest.mark.parametrize("rates", [0.1, [0.1], [0.1, 0.2, 0.3], [0.5, 0.1]])
def test_bad_rate_ranges(rates):
    assert ends(bundle.validate_rate_range, rates)


@pytest.mark.parametrize("pattern", ["gauss1d", None, 3, [], ["gaussian1d"], ("random", "gaussian1d")])
def test_bad_patterns_list_the_good_ones(pattern):
    assert "gaussian1d" in ends(bundle.validate_pattern, pattern)


@pytest.mark.parametrize("name", ["Coronal", None, ["coronal"], 1])
def test_bad_planes_and_tracks(name):
    assert "sagittal" in ends(bundle.validate_plane, name)
    assert "simulated" in ends(bundle.validate_track, name)


@pytest.mark.parametrize(
    "size", [256, "256", [256], [256, 256, 2], [256.0, 256], [True, 64], [15, 64], [64, -64]]
)
def test_bad_sizes(size):
    assert "--size" in ends(bundle.validate_size, size)


def test_null_is_not_offered_where_it_is_refused():
    assert "not possible" in ends(bundle.validate_size, "null")
    bundle.validate_size(bundle.plain("null"))


@pytest.mark.parametrize("size", [None, [16, 16], (181, 217)])
def test_good_sizes(size):
    bundle.validate_size(size)


@pytest.mark.parametrize("snr", [0, -3, "20", True, float("inf"), float("nan")])
def test_bad_snr(snr):
    assert "--snr" in ends(bundle.validate_snr, snr)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "3", None])
def test_bad_counts_name_the_option(count):
    bundle.validate_counts(max_epochs=1, batch_size=8)
    assert ends(bundle.validate_counts, max_epochs=2, batch_size=count).startswith("--batch_size")
