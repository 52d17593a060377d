# The command monai-gan-recon, for a CPU:
#   docker build -t monai-gan-recon .
# For NVIDIA GPUs (some gigabytes more; start it with --gpus all):
#   docker build -t monai-gan-recon:cuda --build-arg VARIANT=cuda .
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS wheel
WORKDIR /source
COPY pyproject.toml setup.py README.md LICENSE ./
COPY monai_gan_recon monai_gan_recon
COPY bundles bundles
COPY data_manifests data_manifests
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim-bookworm
ARG VARIANT=cpu
COPY constraints.txt /tmp/
COPY --from=wheel /wheels /tmp/wheels
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# PyTorch's own index has the small build without CUDA; that of the default index has CUDA
RUN if [ "$VARIANT" = cpu ]; then \
      pip install --no-cache-dir -c /tmp/constraints.txt torch --index-url https://download.pytorch.org/whl/cpu; \
    fi && \
    pip install --no-cache-dir -c /tmp/constraints.txt "$(echo /tmp/wheels/*.whl)[dicom,siemens]" && \
    rm -r /tmp/wheels /tmp/constraints.txt && \
    useradd --create-home --uid 1000 recon && \
    install -d -o recon -g recon /data
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility PYTHONUNBUFFERED=1
USER 1000
WORKDIR /data
VOLUME /data
EXPOSE 11112
ENTRYPOINT ["monai-gan-recon"]
CMD ["--help"]
