# Server, dispatcher and GPU worker in one image; the command decides which of them runs.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 evalsvc && mkdir /data && chown evalsvc /data
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY constraints constraints
COPY evalsvc evalsvc
COPY benchmarks benchmarks
COPY migrations migrations
RUN pip install --no-cache-dir --constraint constraints/gpu.txt ".[gpu,postgresql,s3]"

USER evalsvc
VOLUME /data
EXPOSE 8420
CMD ["evalsvc", "serve"]
