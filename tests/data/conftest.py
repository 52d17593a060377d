"""Manifests that the tests of the data package write."""

import hashlib
import json

import pytest


@pytest.fixture
def write_manifest(tmp_path, write_nifti, volume):
    """Writer of a small manifest with real files: training a, validation b, testing c (twice)."""

    def write(folder="set", **changes):
        content = {
            "name": "small",
            "title": "Small",
            "licence": "CC0",
            "source": "written by a test",
            "root": folder,
        }
        people = {"training": ["a"], "validation": ["b"], "testing": ["c", "c"]}
        for section, names in people.items():
            content[section] = []
            for number, person in enumerate(names):
                name = f"{person}{number}.nii.gz"
                file = write_nifti(f"{folder}/{name}", volume + len(content) * 10 + number)
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                content[section].append({"image": name, "person": person, "session": str(number), "sha256": digest})
        content.update(changes)
        path = tmp_path / "small.json"
        path.write_text(json.dumps(content))
        return path, content

    return write
