# cmed in a container that holds nothing but cmed and its plugins, and runs as a
# user who may nothing. docs/install.md says how to use it.
#
#   docker build -t cmed --build-arg VERSION=1.2.3 .
#   docker run -p 5000:5000 -v cmed-state:/var/lib/cmed --stop-timeout 60 cmed

# The whole version: of one commit everybody's image is built by the same Go. It is
# raised when Go mends something.
FROM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=0-dev
ARG COMMIT=
ARG COMMIT_TIME=
RUN go run ./internal/release image -out /image -version "$VERSION" -commit "$COMMIT" -time "$COMMIT_TIME"

FROM scratch
COPY --from=build /image/root/ /
# What the user may write, by the folders' names in the copied ones: so that their
# modes come along.
COPY --from=build --chown=65532:65532 /image/state/ /var/lib/
COPY --from=build --chown=65532:65532 /image/scratch/ /

ENV PATH=/usr/local/bin
ENV HOME=/var/lib/cmed
ENV CMED_DATABASE_URI=/var/lib/cmed/cme.db
ENV CMED_ATTACKS_FOLDER=/plugins/attacks
ENV CMED_PLANNERS_FOLDER=/plugins/planners
USER 65532:65532
WORKDIR /var/lib/cmed
VOLUME ["/var/lib/cmed", "/plugins"]
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["/usr/local/bin/cmed", "health", "--server", "unix:/var/lib/cmed/cme.state/cmed.sock"]

# Anybody who reaches the port needs a key, and the first start prints one. What
# ends TLS belongs before the port; or give --tls-cert and --tls-key too.
ENTRYPOINT ["/usr/local/bin/cmed", "serve", "--host", "0.0.0.0", "--insecure-transport", "--first-key"]
