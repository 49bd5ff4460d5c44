"""A dashboard: panels in rows from left to right, variables, links, annotations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as prometheus_model

from stream.generate.dashboards.look import Look, Steps, look_of, thresholds
from stream.generate.rules import uid
from stream.generate.vocabulary import ALL, By, Vocabulary, chosen, grouped

WIDTH: Final = 24
TAG: Final = "floorcast"
SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
_Panel = TypeVar("_Panel", stat.Panel, timeseries.Panel, table.Panel, bargauge.Panel)


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: an expression with one value for each value of the table's labels."""

    look: Look
    expr: str


@dataclass(frozen=True, slots=True)
class About:
    """What a dashboard is called and what it shows; `wallboard` is the one to open beside it."""

    name: str
    title: str
    words: str
    wallboard: str
    since: str = "now-6h"
    refresh: str = "30s"
    interval: str = "15s"


class Board:
    """Panels are added in the order in which they are read. Each kind of them is one method."""

    def __init__(self, words: Vocabulary, about: About) -> None:
        self.words: Final = words
        self._about: Final = about
        self._dashboard = (
            build.Dashboard(about.title)
            .uid(uid(about.name))
            .description(about.words)
            .tags([TAG])
            .timezone("browser")
            .editable()
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .time(about.since, "now")
            .refresh(about.refresh)
            .with_variable(build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
            .annotation(_alerts())
        )
        self._x, self._y, self._height, self._ids = 0, 0, 0, 0
        floorcast = words.config.grafana.floorcast_url.rstrip("/")
        others = build.DashboardLink("Dashboards").type(model.DashboardLinkType.DASHBOARDS).url("")
        self._link(others.tags([TAG]).as_dropdown(True).include_vars(True).keep_time(True))
        self.link(f"Wallboard {about.wallboard}", f"{floorcast}/boards/{about.wallboard}")

    def link(self, title: str, url: str) -> None:
        """A link at the top, opened beside the dashboard."""
        link = build.DashboardLink(title).type(model.DashboardLinkType.LINK).url(url).target_blank(True)
        self._link(link.icon("external link"))

    def ticket(self) -> None:
        """A field for a ticket's id, with links to its history and, where that is known, to the help desk."""
        field = build.TextBoxVariable("ticket").label("Ticket").default_value("")
        self._dashboard.with_variable(field.description("The id of a ticket, such as zendesk:123"))
        floorcast = self.words.config.grafana.floorcast_url.rstrip("/")
        self.link("Ticket: history", f"{floorcast}/api/v1/entities/tickets/${{ticket:percentencode}}")
        desk = self.words.config.alerts.ticket_url
        if desk:
            known = desk.replace("{ticket}", "${ticket:percentencode}")
            self.link("Ticket: help desk", known.replace("{subject}", "${ticket:percentencode}"))

    def scope(self, metric_id: str, *wanted: By) -> By:
        """The first of these groupings by which a metric is exported, else none; with it come variables."""
        return next((by for by in wanted if self.words.has(metric_id, by)), ())

    def choose(self, name: str, metric_id: str, by: By) -> None:
        """A variable for the values of a dimension, of which several or all can be chosen."""
        if not self.words.has(metric_id, by):
            return
        selector = self.words.gauge(metric_id, by=by)
        everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
        self._dashboard.with_variable(
            build.QueryVariable(name)
            .label(name.capitalize())
            .query(f"label_values({selector.partition('{')[0]}, {name})")
            .datasource(SOURCE)
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
            .multi(True)
            .include_all(True)
            .all_value(ALL)
            .current(everything)
        )

    def column(
        self, metric_id: str, title: str, by: By, window: str = "", stat: str = "", **match: str
    ) -> Column:
        """A gauge of each of the chosen groups. Quantiles are judged as the 90th percentile is."""
        expr = self.words.gauge(metric_id, window, stat, by, **chosen(by), **match)
        judged = "p90" if stat == "quantile" else stat
        return Column(look_of(self.words, metric_id, title, judged), f"max{grouped(by)} ({expr})")

    def row(self, title: str) -> None:
        """A heading."""
        self._break()
        row = build.Row(title).id(self._next_id()).grid_pos(model.GridPos(h=1, w=WIDTH, x=0, y=self._y))
        self._dashboard.with_row(row)
        self._y += 1

    def stat(self, look: Look, expr: str, width: int = 4, height: int = 5, before: bool = False) -> None:
        """The latest value with a sparkline; `before` shows that of a week before, too."""
        queries = [Query(expr, "now" if before else look.title)]
        if before:
            queries.append(Query(a_week_before(expr), "a week before"))
        reduced = common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
        panel = (
            self._judged(stat.Panel(), look, queries, width, height)
            .reduce_options(reduced)
            .graph_mode(common_model.BigValueGraphMode.AREA)
            .color_mode(common_model.BigValueColorMode.VALUE)
            .text_mode(
                common_model.BigValueTextMode.VALUE_AND_NAME
                if before
                else common_model.BigValueTextMode.VALUE
            )
        )
        self._dashboard.with_panel(panel)

    def lines(
        self, look: Look, queries: Sequence[Query], width: int = 12, height: int = 8, stacked: bool = False
    ) -> None:
        """Lines over time, with the target as a dashed one."""
        legend = (
            common.VizLegendOptions()
            .display_mode(common_model.LegendDisplayMode.TABLE)
            .placement(common_model.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
        tooltip = common.VizTooltipOptions().mode(common_model.TooltipDisplayMode.MULTI)
        styles = common_model.GraphThresholdsStyleMode
        style = styles.DASHED if look.judged() else styles.OFF
        stacking = common_model.StackingMode.NORMAL if stacked else common_model.StackingMode.NONE
        panel = (
            self._judged(timeseries.Panel(), look, queries, width, height)
            .legend(legend)
            .tooltip(tooltip.sort(common_model.SortOrder.DESCENDING))
            .color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
            .fill_opacity(30 if stacked else 8)
            .show_points(common_model.VisibilityMode.NEVER)
            .stacking(common.StackingConfig().mode(stacking).group("A"))
            .thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
        )
        self._dashboard.with_panel(panel)

    def bars(self, look: Look, query: Query, width: int = 8, height: int = 8) -> None:
        """A bar a series, of the latest values."""
        panel = self._judged(bargauge.Panel(), look, [query], width, height)
        reduced = common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
        self._dashboard.with_panel(
            panel.reduce_options(reduced).orientation(common_model.VizOrientation.HORIZONTAL)
        )

    def table(
        self,
        title: str,
        labels: Sequence[str],
        columns: Iterable[Column],
        width: int = WIDTH,
        height: int = 8,
    ) -> None:
        """A row for each value of some labels. What the columns mean stands in the panel's description."""
        every = list(columns)
        words = "\n\n".join(f"{column.look.title}: {column.look.words}" for column in every)
        look = Look(title, words, every[0].look.unit)
        panel = self._placed(table.Panel(), look, [Query(c.expr) for c in every], width, height, instant=True)
        panel.align(common_model.FieldTextAlignment.AUTO)
        refs = [f"Value #{_ref(at)}" for at in range(len(every))] if len(every) > 1 else ["Value"]
        names = {label: label.capitalize() for label in labels}
        kept = dict(zip(refs, (column.look.title for column in every), strict=True))
        order = {name: at for at, name in enumerate([*labels, *refs])}
        panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
        panel.with_transformation(
            model.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": {"Time": True},
                    "indexByName": order,
                    "renameByName": {**names, **kept},
                },
            )
        )
        for column in every:
            panel.override_by_name(column.look.title, _cell(column.look))
        self._dashboard.with_panel(panel)

    def finish(self) -> model.Dashboard:
        """The dashboard."""
        return self._dashboard.build()

    def _judged(self, panel: _Panel, look: Look, queries: Sequence[Query], width: int, height: int) -> _Panel:
        placed = self._placed(panel, look, queries, width, height)
        placed.unit(look.unit).thresholds(thresholds(look.steps)).no_value("no data")
        return placed

    def _placed(
        self, panel: _Panel, look: Look, queries: Sequence[Query], width: int, height: int,
        instant: bool = False,
    ) -> _Panel:  # fmt: skip
        if self._x + width > WIDTH:
            self._break()
        position = model.GridPos(h=height, w=width, x=self._x, y=self._y)
        self._x += width
        self._height = max(self._height, height)
        panel.id(self._next_id()).title(look.title).description(look.words).datasource(SOURCE)
        panel.grid_pos(position).interval(self._about.interval)
        for at, query in enumerate(queries):
            panel.with_target(_target(query, _ref(at), instant))
        return panel

    def _break(self) -> None:
        self._x, self._y, self._height = 0, self._y + self._height, 0

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _link(self, link: build.DashboardLink) -> None:
        self._dashboard.link(link)


def a_week_before(expr: str) -> str:
    """The same a week before. Only selectors and subqueries can be shifted: of any expression one is made."""
    return f"last_over_time(({expr})[5m:1m] offset 1w)"


def _ref(at: int) -> str:
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[at]


def _target(query: Query, ref: str, instant: bool) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).ref_id(ref).datasource(SOURCE)
    target.editor_mode(prometheus_model.QueryEditorMode.CODE)
    if query.legend:
        target.legend_format(query.legend)
    if instant:
        return target.instant().format(prometheus_model.PromQueryFormat.TABLE)
    return target.range()


def _cell(look: Look) -> list[model.DynamicConfigValue]:
    found: list[model.DynamicConfigValue] = [model.DynamicConfigValue("unit", look.unit)]
    if look.judged():
        found.append(model.DynamicConfigValue("thresholds", _steps_plain(look.steps)))
        found.append(model.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    return found


def _steps_plain(steps: Steps) -> dict[str, Any]:
    return {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in steps]}


def _alerts() -> build.AnnotationQuery:
    expr = 'ALERTS{alertstate="firing",alertname!="FloorcastWatchdog"}'
    return build.AnnotationQuery().name("Alerts").datasource(SOURCE).enable(True).icon_color("red").expr(expr)
