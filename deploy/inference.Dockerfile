# vLLM with our plugin; for a CUDA GPU see deploy/compose.gpu.yml.
FROM python:3.11-slim
ARG ROLE=inference-cpu
ARG HOW="--no-deps --torch-backend=cpu"
RUN apt-get update && apt-get install --yes --no-install-recommends g++ libnuma1 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements requirements
RUN pip install --no-cache-dir -r requirements/setup.txt \
    && uv pip install --system --no-cache $HOW -r "requirements/$ROLE.txt"
COPY pyproject.toml README.md LICENSE ./
COPY adapters adapters
COPY bot bot
COPY deploy deploy
COPY inference_server inference_server
COPY understudy understudy
RUN uv pip install --system --no-cache --no-deps --editable . \
    && useradd --create-home understudy && mkdir /data && chown understudy /data
USER understudy
EXPOSE 8000
CMD ["understudy", "serve", "--host", "0.0.0.0", "--port", "8000"]
