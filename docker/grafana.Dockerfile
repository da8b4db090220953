# Grafana with the Druid plugin, so that a start needs no download:
#   docker build --file docker/grafana.Dockerfile docker
FROM grafana/grafana:12.1.0

# Outside of /var/lib/grafana, which a volume covers.
ENV GF_PATHS_PLUGINS=/usr/share/grafana-plugins

USER 0
RUN mkdir --parents "$GF_PATHS_PLUGINS" \
    && grafana cli --pluginsDir "$GF_PATHS_PLUGINS" plugins install grafadruid-druid-datasource 1.7.0
USER 472
