"""The command ``listen`` with programs of others: Orthanc, dcmtk's storescu, SimpleITK; killed in the middle."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_peers import free_port, objects, until

from monai_gan_recon import cli

ROOT = Path(__file__).parents[2]
OPTIONS = ("--rate", "0.5", "--device", "cpu")


def phantom(slices=24, size=64):
    """(slices, rows, columns) ellipsoids of a head and what is in it."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (slices, size, size + 8)), indexing="ij")
    volume = 600.0 * (x**2 + y**2 + z**2 < 0.8) + 900 * (x**2 + (y - 0.2) ** 2 + z**2 < 0.3)
    return (volume + 300 * (x**2 + (y + 0.3) ** 2 + z**2 < 0.1)).astype(np.uint16)


@pytest.fixture
def series(tmp_path):
    """Folder of a series."""
    folder = tmp_path / "series"
    folder.mkdir()
    for number, item in enumerate(objects(values=phantom())):
        item.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


@pytest.fixture(params=["phantom", "head"])
def any_series(request):
    """Folder of a series, of a phantom or of a real head, and whether there is a brain to segment in it."""
    if request.param == "phantom":
        return request.getfixturevalue("series"), False
    return request.getfixturevalue("data_dir") / "dicom" / "fnndsc_mprage", True


class Orthanc:
    """A real archive, by its REST interface."""

    def __init__(self, folder, node_port):
        program = shutil.which("Orthanc")
        if program is None:
            pytest.skip("needs Orthanc (Debian: orthanc)")
        self.port, self.http = free_port(), free_port()
        folder.mkdir()
        configuration = {
            "Name": "test",
            "StorageDirectory": str(folder),
            "IndexDirectory": str(folder),
            "Plugins": [],
            "DicomAet": "ORTHANC",
            "DicomPort": self.port,
            "HttpPort": self.http,
            "AuthenticationEnabled": False,
            "DicomModalities": {"recon": ["RECON", "127.0.0.1", node_port]},
            "DicomAlwaysAllowStore": True,
        }
        (folder / "orthanc.json").write_text(json.dumps(configuration))
        command = [program, str(folder / "orthanc.json")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: self._answers(), 60)

    def _answers(self):
        try:
            return self.get("/system")
        except OSError:
            assert self.process.poll() is None
            return None

    def get(self, path):
        content = self._ask(path)
        return content if path.endswith("/file") else json.loads(content)

    def post(self, path, body):
        return json.loads(self._ask(path, body))

    def _ask(self, path, body=None):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", body, timeout=60) as answer:
            return answer.read()

    def modalities(self):
        """Modality of each series that is there: number of its instances."""
        found = [self.get(f"/series/{name}") for name in self.get("/series")]
        return sorted((one["MainDicomTags"]["Modality"], len(one["Instances"])) for one in found)

    def fetch(self, folder, but):
        """The instances that are not of a series (its UID), as files in folders by modality."""
        for name in self.get("/instances"):
            content = self.get(f"/instances/{name}/file")
            part = folder / name
            folder.mkdir(exist_ok=True)
            part.write_bytes(content)
            header = pydicom.dcmread(part, stop_before_pixels=True)
            if header.SeriesInstanceUID == but:
                part.unlink()
            else:
                (folder / header.Modality).mkdir(exist_ok=True)
                part.rename(folder / header.Modality / f"{name}.dcm")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Node:
    """The command in a process of its own."""

    def __init__(self, log, port, to, folder, *words):
        self.log = log
        command = [
            sys.executable,
            "-m",
            "monai_gan_recon",
            "listen",
            "--port",
            port,
            "--send-to",
            f"ORTHANC@127.0.0.1:{to}",
        ]
        command += ["--folder", folder, "--quiet", 1, *OPTIONS, *words]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        with log.open("a") as out:
            self.process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out, env=environment)

    def wait(self, word, times=1, seconds=900):
        until(lambda: self.log.read_text().count(word) >= times or self.process.poll() is not None, seconds)
        assert self.log.read_text().count(word) >= times, self.log.read_text()

    def end(self, number):
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        return self.process.wait(30)


@pytest.fixture
def started():
    """Stops what is added to it."""
    programs = []
    yield programs
    for program in programs:
        program.stop() if isinstance(program, Orthanc) else program.end(signal.SIGKILL)


@pytest.mark.slow
def test_orthanc_round_trip(any_series, started, tmp_path):
    series, brain = any_series
    files = sorted(series.glob("*.dcm"))
    first = pydicom.dcmread(files[0], stop_before_pixels=True)
    port, original, count = free_port(), first.SeriesInstanceUID, len(files)
    orthanc = Orthanc(tmp_path / "orthanc", port)
    started.append(orthanc)
    node = Node(tmp_path / "log", port, orthanc.port, tmp_path / "queue", "--segment")
    started.append(node)
    for file in files:
        orthanc.post("/instances", file.read_bytes())
    (name,) = orthanc.get("/series")
    node.wait("listens")
    assert orthanc.post("/modalities/recon/echo", b"{}") == {}
    orthanc.post("/modalities/recon/store", name.encode())
    node.wait("sent to")
    assert orthanc.modalities() == [
        ("MR", count),
        ("MR", count),
        *([("SEG", 1), ("SR", 1)] if brain else []),
    ]
    assert ("not segmented" in node.log.read_text()) is not brain
    assert node.end(signal.SIGTERM) == 0
    text = node.log.read_text()
    lines = [line for line in text.splitlines() if "with care" not in line]
    assert len(lines) == (5 if brain else 6), text  # listens, received, (not segmented), reconstructed, sent, ended
    assert not [word for word in ("Doe", "ID-4711", original, str(first.PatientID)) if word in text]

    orthanc.fetch(tmp_path / "back", original)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "back" / "MR")))
    image = reader.Execute()
    assert cli.main(["reconstruct", str(series), str(tmp_path / "nifti"), *OPTIONS]) == 0
    (nifti,) = (tmp_path / "nifti").glob("*_recon.nii.gz")
    expected = sitk.ReadImage(nifti)
    assert image.GetSize() == expected.GetSize()
    for corner in ((0, 0, 0), tuple(n - 1 for n in image.GetSize())):
        np.testing.assert_allclose(
            image.TransformIndexToPhysicalPoint(corner),
            expected.TransformIndexToPhysicalPoint(corner),
            atol=1e-3,
        )
    array, other = (sitk.GetArrayFromImage(one) for one in (image, expected))
    np.testing.assert_allclose(array, other, atol=1.01 * np.ptp(other) / 65535)
    derived = pydicom.dcmread(next((tmp_path / "back" / "MR").iterdir()))
    assert derived.PatientName == first.PatientName
    assert derived.StudyInstanceUID == first.StudyInstanceUID
    if brain:
        (segmentation,) = (tmp_path / "back" / "SEG").iterdir()
        referenced = pydicom.dcmread(segmentation).ReferencedSeriesSequence[0].SeriesInstanceUID
        assert referenced == derived.SeriesInstanceUID


@pytest.mark.slow
def test_killed_in_the_middle_every_series_comes_back_once(series, started, tmp_path):
    """Killed while it receives, reconstructs and sends; what was acknowledged comes back, under one UID."""
    storescu = shutil.which("storescu")
    if storescu is None:
        pytest.skip("needs storescu (Debian: dcmtk)")
    port = free_port()
    orthanc = Orthanc(tmp_path / "orthanc", port)
    started.append(orthanc)
    send = [storescu, "-aet", "ORTHANC", "-aec", "RECON", "127.0.0.1", str(port), "+sd", str(series)]

    def start(times):
        started.append(Node(tmp_path / "log", port, orthanc.port, tmp_path / "queue"))
        started[-1].wait("listens", times)
        return started[-1]

    node = start(1)
    with subprocess.Popen(send, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sending:
        until(lambda: list((tmp_path / "queue" / "receiving").glob("*/series/*.dcm")), 60)
        node.end(signal.SIGKILL)
        cut = sending.wait(60) != 0
    node = start(2)
    if cut:
        time.sleep(2)
        assert not list((tmp_path / "queue" / "waiting").iterdir())
        subprocess.run(send, check=True, timeout=60, capture_output=True)
    node.wait("received")
    until(lambda: list((tmp_path / "queue" / "waiting").glob("*/.*.part.results")), 60)
    node.end(signal.SIGKILL)
    node = start(3)
    node.wait("reconstructed")
    node.end(signal.SIGKILL)
    node = start(4)
    until(lambda: not list((tmp_path / "queue").glob("*/*_*")), 600)
    assert orthanc.modalities() == [("MR", 24)]
    assert tmp_path.joinpath("log").read_text().count("reconstructed") == 1
    assert node.end(signal.SIGINT) == 130
    assert re.fullmatch("interrupted; 0 series .*", (tmp_path / "log").read_text().splitlines()[-1])


@pytest.mark.slow
def test_what_no_job_can_do_is_told_at_the_start(tmp_path, capsys):
    words = ["listen", "--send-to", "A@127.0.0.1:104", "--folder", str(tmp_path / "queue"), "--port", "0"]
    for option in (["--rate", "7"], ["--set", "rat=0.5"]):
        assert cli.main([*words, *option]) == 1
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "rat" in error


@pytest.mark.parametrize(
    "words",
    [
        ["--send-to", "A@127.0.0.1"],
        ["--send-to", "A@127.0.0.1:104", "--peers", "B"],
        ["--send-to", "A@127.0.0.1:104", "--weights", "missing.pt"],
        ["--send-to", "A@127.0.0.1:104", "--max-mb", "0"],
        ["--send-to", "A@127.0.0.1:104", "--job-minutes", "0"],
        ["--send-to", "A@127.0.0.1:104", "--aet", "A" * 17],
        ["--send-to", "A@127.0.0.1:104", "--peers", "B@nowhere.invalid"],
    ],
)
def test_wrong_options_are_one_line_at_once(words, tmp_path, capsys):
    assert cli.main(["listen", "--folder", str(tmp_path / "queue"), *words]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
