"""A DICOM node: series that are sent to it come back reconstructed. Nothing here imports torch.

A job is a process of its own, which runs the command ``reconstruct`` (and ``segment``): what it takes of memory is
given back, and if it dies the node lives on.
"""

from monai_gan_recon.node.job import Command
from monai_gan_recon.node.loop import run_node
from monai_gan_recon.node.peer import Peer
from monai_gan_recon.node.queue import Queue
from monai_gan_recon.node.server import serve

__all__ = ["Command", "Peer", "Queue", "run_node", "serve"]
