"""``/metrics``: what the host counts and how its connectors stand, for Prometheus. Off by default.

Counters and histograms come from the memory that all processes of the host share (``metrics``); what stands in the
store, and on the disk, is looked at when somebody asks. No target is asked.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import accumulate

from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ecmahost_core.metrics.families import BREAKERS, FAMILIES, Family
from ecmahost_core.metrics.meter import Totals
from ecmahost_core.metrics.quarantine import Writes
from ecmahost_core.space.history import ConnectorStatus, Figures
from ecmahost_core.space.store import StoreUnavailable
from ecmahost_core.web.framework import Answer
from ecmahost_core.web.site import Site

_CONNECTOR = {
    "ecmahost_connector_served": "Whether the newest configuration of a connector is the one that is served.",
    "ecmahost_space_age_seconds": "Seconds since the last import of a connector completed; missing before the first.",
    "ecmahost_import_running": "Whether an import runs.",
    "ecmahost_import_failing": "Whether the newest import failed.",
    "ecmahost_removals_held": "Objects whose removal the brake holds until somebody confirms it.",
    "ecmahost_objects_missing": "Objects that requests found missing in the target since the last import.",
    BREAKERS: "How many of the host's processes take the target to be down, and do not ask it.",
    "ecmahost_journal_open_entries": "Writes under way, or whose outcome is not known yet.",
    "ecmahost_entra_writes": "Writes (POST, PUT, PATCH, DELETE of resources) of the last hour, and failed queries.",
    "ecmahost_entra_failed_writes": "Those of them that Entra takes for failures.",
    "ecmahost_entra_failing_share": "Their share, from 0 to 1. Entra's quarantine begins above 0.4.",
    "ecmahost_entra_quarantine_ratio": "How near Entra's quarantine is, by share and count: 1 is its limit.",
}


def metrics_routes(site: Site) -> Blueprint:
    """Returns the route; ``doors.refuse_metrics`` stands before it."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        """In the format that the request's Accept asks for: OpenMetrics, or Prometheus's own text."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected(site))
        encode, media_type = choose_encoder(request.headers.get("Accept", ""))
        return Answer(encode(registry), content_type=media_type)

    return routes


class _Collected(Collector):
    """What one request for the metrics is answered with."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def collect(self) -> Iterator[Metric]:
        """prometheus-client: called once for each answer."""
        totals = self._site.meter.totals()
        for family in FAMILIES:
            yield _counted(family, totals)
        yield from self._connectors(totals)
        incomplete = "Whether counters are missing because there are more than the host has room for."
        yield GaugeMetricFamily("ecmahost_metrics_incomplete", incomplete, float(totals.spilled))
        expiry = self._site.certificate.expiry
        if expiry is not None:
            days = "Days until the certificate on the disk ends; negative when it has ended."
            yield GaugeMetricFamily("ecmahost_certificate_days", days, expiry.days)

    def _connectors(self, totals: Totals) -> Iterable[Metric]:
        gauges = {name: GaugeMetricFamily(name, text, labels=["connector"]) for name, text in _CONNECTOR.items()}
        objects = GaugeMetricFamily(
            "ecmahost_space_objects", "Live objects in the space.", labels=["connector", "type"]
        )
        imported = GaugeMetricFamily(
            "ecmahost_last_import_objects", "Objects of the last complete import.", labels=["connector", "result"]
        )
        up = True
        for name in sorted(self._site.endpoints.keys() | self._site.broken.keys()):
            gauges["ecmahost_connector_served"].add_metric([name], float(name not in self._site.broken))
            for gauge, value in _of_entra(totals.writes.get(name, Writes())).items():
                gauges[gauge].add_metric([name], value)
            endpoint = self._site.endpoints.get(name)
            if endpoint is None:
                continue
            (breakers,) = totals.rows.get((BREAKERS, name), [0.0])
            gauges[BREAKERS].add_metric([name], breakers)
            try:
                status, figures = endpoint.store.status(name), endpoint.store.figures(name)
            except StoreUnavailable:
                up = False
                continue
            for gauge, value in _of_space(status, figures).items():
                gauges[gauge].add_metric([name], value)
            for resource_type, count in figures.live.items():
                objects.add_metric([name, resource_type], count)
            for result, count in status.last_import_counts.items():
                imported.add_metric([name, result], count)
        store = GaugeMetricFamily("ecmahost_store_up", "Whether the connector space can be read.", float(up))
        return (*gauges.values(), objects, imported, store)


def _of_space(status: ConnectorStatus, figures: Figures) -> dict[str, float]:
    values: dict[str, float] = {
        "ecmahost_import_running": status.importing,
        "ecmahost_import_failing": bool(status.last_failure),
        "ecmahost_removals_held": 0 if status.held is None else status.held.count,
        "ecmahost_objects_missing": status.missing,
        "ecmahost_journal_open_entries": figures.open_entries,
    }
    if status.last_import is not None:
        # A clock that was set back must not make a space of the future.
        values["ecmahost_space_age_seconds"] = max(0.0, (datetime.now(UTC) - status.last_import).total_seconds())
    return values


def _of_entra(writes: Writes) -> dict[str, float]:
    return {
        "ecmahost_entra_writes": writes.total,
        "ecmahost_entra_failed_writes": writes.failed,
        "ecmahost_entra_failing_share": writes.share,
        "ecmahost_entra_quarantine_ratio": writes.ratio,
    }


def _counted(family: Family, totals: Totals) -> Metric:
    rows = [(name[1:], numbers) for name, numbers in sorted(totals.rows.items()) if name[0] == family.name]
    if not family.buckets:
        counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
        for labels, numbers in rows:
            counter.add_metric(labels, numbers[0])
        return counter
    histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    bounds = [*map(str, family.buckets), "+Inf"]
    for labels, numbers in rows:
        histogram.add_metric(labels, list(zip(bounds, accumulate(numbers[:-1]), strict=True)), numbers[-1])
    return histogram
