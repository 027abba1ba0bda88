# Two images of one code base: what speaks to the hospital, and what stands at the GPU.
FROM python:3.11-slim-bookworm AS base
WORKDIR /src
COPY requirements/base.txt requirements/base.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/base.txt
COPY . .
RUN useradd --system --create-home gem

FROM base AS adapters
RUN pip install --no-cache-dir ".[adapters]"
USER gem
WORKDIR /home/gem
CMD ["gem-integration", "--help"]

FROM base AS workers
RUN pip install --no-cache-dir ".[workers]"
USER gem
WORKDIR /home/gem
CMD ["gem-integration", "--help"]
