"""Segmentation of whole volumes, one an iteration: for inference and for evaluation."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monai.engines import SupervisedEvaluator

from monai_gan_recon.errors import one_line
from monai_gan_recon.segmentation.segmenter import TissueSegmenter


class TissueEvaluator(SupervisedEvaluator):
    """MONAI's evaluator on volumes, each segmented by a :class:`TissueSegmenter`.

    The data loader gives one volume at a time, as a dictionary without batch axis: ``image`` (1, X, Y, Z), ``case``,
    and where known ``reference`` (labels to compare with) and ``person``. An item with ``error`` instead passes
    through to the handlers.

    ``engine.state.output`` holds ``pred``, labels (1, X, Y, Z) on the image's grid, ``reference`` where known,
    ``case``, ``person`` (the case's name if not known), ``seconds`` (preprocessing and all) and
    ``network_seconds``; or ``error``, a line.

    Args:
        segmenter: segments a volume.
        val_data_loader: gives the volumes.
        keep_going: a volume that cannot be segmented becomes an ``error``; False: a ValueError.
        val_handlers: MONAI or Ignite handlers.
    """

    def __init__(
        self,
        segmenter: TissueSegmenter,
        val_data_loader: Iterable[Any],
        keep_going: bool = False,
        val_handlers: Sequence[Any] | None = None,
    ) -> None:
        super().__init__(
            device=segmenter.device,
            val_data_loader=val_data_loader,
            network=segmenter.network,
            inferer=segmenter.inferer,
            val_handlers=val_handlers,
            decollate=False,
        )
        self.segmenter, self.keep_going = segmenter, keep_going

    def _iteration(self, engine: SupervisedEvaluator, batchdata: Mapping[str, Any]) -> dict[str, Any]:
        case = str(batchdata.get("case", ""))
        output: dict[str, Any] = {"case": case, "person": str(batchdata.get("person", case))}
        if "error" in batchdata:
            return output | {"error": batchdata["error"]}
        start = time.perf_counter()
        try:
            labels, network_seconds = self.segmenter.labels(self.segmenter.prepare(batchdata["image"]))
        except (RuntimeError, ValueError, OSError) as error:
            message = one_line(error)
            if message is None:
                raise
            line = f"{batchdata['image'].meta.get('filename_or_obj', case)}: {message}"
            if not self.keep_going:
                raise ValueError(line) from error
            return output | {"error": line}
        output |= {"pred": labels, "seconds": time.perf_counter() - start, "network_seconds": network_seconds}
        return output | ({"reference": batchdata["reference"]} if "reference" in batchdata else {})
