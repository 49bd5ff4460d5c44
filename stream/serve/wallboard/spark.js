// A sparkline: the shape of the last hours, quarter hours or days. Its words say the same to who cannot see it.

import { drawn } from "./dom.js";
import { value } from "./text.js";

const WIDTH = 100;
const HEIGHT = 30;
const MARGIN = 3;

/** The SVG of points `[end_ms, value]`; `null` where there are too few to have a shape. */
export function sparkline(tile, times) {
  const known = tile.spark.filter(([, amount]) => amount !== null);
  if (known.length < 3) return null;
  const amounts = known.map(([, amount]) => amount);
  const scale = scaleOf(amounts, tile);
  const svg = drawn("svg", {
    class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
    "aria-label": words(tile, known, amounts, times),
  });
  if (tile.target?.value !== undefined && tile.target?.value !== null) {
    const y = scale.y(tile.target.value);
    if (y >= 0 && y <= HEIGHT) svg.append(drawn("path", { class: "spark-target", d: `M0 ${y}H${WIDTH}` }));
  }
  for (const run of runs(tile.spark)) {
    const points = run.map(([place, amount]) => `${scale.x(place)} ${scale.y(amount)}`);
    const [first, last] = [scale.x(run[0][0]), scale.x(run.at(-1)[0])];
    const line = `M${points.join("L")}`;
    svg.append(drawn("path", { class: "spark-area", d: `${line}L${last} ${HEIGHT}L${first} ${HEIGHT}Z` }));
    svg.append(drawn("path", { class: "spark-line", d: line }));
  }
  const end = tile.spark.findLastIndex(([, amount]) => amount !== null);
  const at = `M${scale.x(end)} ${scale.y(tile.spark[end][1])}h0.01`;
  svg.append(drawn("path", { class: "spark-end", d: at }));
  return svg;
}

function scaleOf(amounts, tile) {
  let [low, high] = [Math.min(...amounts), Math.max(...amounts)];
  if (tile.unit !== "ratio" && tile.unit !== "points") low = Math.min(low, 0);
  if (high === low) [low, high] = [low - 1, high + 1];
  const steps = Math.max(1, tile.spark.length - 1);
  return {
    x: (place) => round((place * (WIDTH - 2)) / steps + 1),
    y: (amount) => round(HEIGHT - MARGIN - ((amount - low) * (HEIGHT - 2 * MARGIN)) / (high - low)),
  };
}

/** Stretches without gaps. */
function runs(points) {
  const found = [];
  let run = [];
  for (const [place, [, amount]] of points.entries()) {
    if (amount === null) run = [];
    else if (run.push([place, amount]) === 1) found.push(run);
  }
  return found;
}

function words(tile, known, amounts, times) {
  const say = (amount) => value(amount, tile.unit, tile.stat);
  return (
    `Since ${times.day(known[0][0])} ${times.minute(known[0][0])}: lowest ${say(Math.min(...amounts))}, ` +
    `highest ${say(Math.max(...amounts))}, at last ${say(amounts.at(-1))}`
  );
}

function round(number) {
  return Math.round(100 * number) / 100;
}
