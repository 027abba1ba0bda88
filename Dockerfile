# Two images of one code base: what speaks to the hospital, and what stands at the GPU.
FROM python:3.11-slim-bookworm AS base
WORKDIR /src
COPY requirements requirements
RUN useradd --system --create-home gem

FROM base AS adapters
RUN pip install --no-cache-dir --require-hashes -r requirements/adapters.txt
COPY . .
RUN pip install --no-cache-dir --no-deps .
USER gem
WORKDIR /home/gem
CMD ["gem-integration", "--help"]

FROM base AS workers
RUN pip install --no-cache-dir --require-hashes -r requirements/workers.txt
COPY . .
RUN pip install --no-cache-dir --no-deps .
USER gem
WORKDIR /home/gem
CMD ["gem-integration", "--help"]
