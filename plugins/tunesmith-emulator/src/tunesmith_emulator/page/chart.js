// The learning curve: every step thin, the mean of every epoch bold. It is drawn again when data arrive.

import { draw, make, say } from "./dom.js";
import { loss } from "./words.js";

const MARGIN = { top: 24, right: 14, bottom: 38, left: 44 };
const HEIGHT = 236;

let logarithmic = false; // the reader's choice, for every chart of the page

/** A chart that is redrawn when its width, its data or the reader's choice change. */
export function learningCurve() {
  const box = make("div", { class: "chart" });
  const reading = make("output", { class: "reading" });
  const choice = make("button", { type: "button", class: "quiet" }, "log scale");
  const figure = make("figure", { class: "curve" }, box, make("figcaption", {},
    make("span", { class: "key steps" }, "each step"),
    make("span", { class: "key epochs" }, "mean of each epoch"), choice, reading));
  let current = null;
  figure.render = () => {
    choice.setAttribute("aria-pressed", logarithmic);
    if (current && box.clientWidth) box.replaceChildren(picture(current, box.clientWidth));
  };
  figure.show = (training) => {
    current = training;
    figure.render();
  };
  choice.addEventListener("click", toggleScale);
  new ResizeObserver(figure.render).observe(box);
  box.addEventListener("pointermove", (event) => point(box, current, reading, event));
  box.addEventListener("pointerleave", () => unpoint(box, reading));
  return figure;
}

function toggleScale() {
  logarithmic = !logarithmic;
  document.querySelectorAll(".curve").forEach((figure) => figure.render());
}

/** A curve of a line's height without axes, for the fold's head. */
export function sparkline({ steps, total_steps }) {
  const svg = draw("svg", { class: "sparkline", viewBox: "0 0 72 18", "aria-hidden": "true" });
  if (steps.length < 2) return svg;
  const x = linear(0, Math.max(total_steps ?? 0, steps.at(-1).step), 1, 71);
  const y = linear(0, highest(steps.map((step) => step.loss)), 17, 1);
  svg.append(draw("path", { d: line(thin(steps, 72), x, y) }));
  return svg;
}

function picture(training, width) {
  const { steps, state, name } = training;
  const means = epochMeans(training);
  const scale = scales(training, width);
  const svg = draw("svg", {
    role: "img", width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-label": spoken(name, means),
  });
  svg.append(axes(scale, width));
  svg.append(draw("path", { class: "steps", d: line(thin(steps, width), scale.x, scale.y) }));
  svg.append(draw("path", { class: "epochs", d: line(means, scale.x, scale.y) }));
  for (const mean of means) svg.append(dot(scale, mean, "mean", means.length > 30 ? 2 : 3.5));
  if (state === "running" && steps.length) svg.append(dot(scale, steps.at(-1), "latest", 4.5));
  svg.append(draw("line", { class: "pointer", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" }));
  svg.scale = scale;
  return svg;
}

function scales({ steps, total_steps }, width) {
  const last = Math.max(total_steps ?? 0, steps.at(-1)?.step ?? 1, 1);
  const losses = steps.map((step) => step.loss);
  const values = logarithmic ? decades(losses) : ticks(highest(losses), 4);
  const [bottom, top] = [values[0], values.at(-1)];
  const place = linear(height(bottom), height(top), HEIGHT - MARGIN.bottom, MARGIN.top);
  return {
    last, values,
    x: linear(0, last, MARGIN.left, width - MARGIN.right),
    y: (value) => place(height(Math.max(value, bottom))),
  };
}

const height = (value) => (logarithmic ? Math.log10(value) : value);

/** The powers of ten that enclose `losses`; losses of 0 are left out. */
function decades(losses) {
  const positive = losses.filter((value) => value > 0);
  const low = Math.floor(Math.log10(positive.reduce((a, b) => Math.min(a, b), 1)));
  const high = Math.max(Math.ceil(Math.log10(highest(losses))), low + 1);
  return Array.from({ length: high - low + 1 }, (_, i) => Number(`1e${low + i}`));
}

function axes({ x, y, last, values }, width) {
  const group = draw("g", { class: "axes" });
  for (const value of values) {
    group.append(draw("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }));
    group.append(draw("text", { x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, label(value, values)));
  }
  const every = Math.max(1, Math.floor(width / 90));
  for (const value of ticks(last, every).filter((tick) => tick <= last && Number.isInteger(tick))) {
    group.append(draw("text", { x: x(value), y: HEIGHT - MARGIN.bottom + 18, "text-anchor": "middle" }, String(value)));
  }
  group.append(draw("text", { class: "unit", x: 0, y: 11 }, logarithmic ? "loss (nats/token), log scale" : "loss (nats/token)"));
  group.append(draw("text", { class: "unit", x: width - MARGIN.right, y: HEIGHT - 3, "text-anchor": "end" }, "optimizer step"));
  return group;
}

function label(value, values) {
  const top = values.at(-1);
  return logarithmic ? String(value) : value.toFixed(top <= 0.5 ? 2 : top < 10 ? 1 : 0);
}

const dot = ({ x, y }, at, kind, r) => draw("circle", { class: kind, cx: x(at.step), cy: y(at.loss), r });

/** The means of the epochs, each in the middle of its epoch's steps. */
function epochMeans({ steps, epochs }) {
  const spans = new Map();
  for (const { step, epoch } of steps) {
    const span = spans.get(epoch);
    spans.set(epoch, span ? [span[0], step] : [step, step]);
  }
  return epochs
    .filter(({ epoch }) => spans.has(epoch))
    .map(({ epoch, loss: value }) => ({ step: spans.get(epoch).reduce((a, b) => a + b) / 2, loss: value }));
}

function point(box, training, reading, event) {
  const svg = box.firstElementChild;
  if (!svg || !training.steps.length) return;
  const wanted = svg.scale.x.invert(event.clientX - svg.getBoundingClientRect().left);
  const near = training.steps.reduce((a, b) => (Math.abs(b.step - wanted) < Math.abs(a.step - wanted) ? b : a));
  const pointer = svg.querySelector(".pointer");
  for (const side of ["x1", "x2"]) pointer.setAttribute(side, svg.scale.x(near.step));
  pointer.setAttribute("visibility", "visible");
  say(reading, `step ${near.step}: ${loss(near.loss)}`);
}

function unpoint(box, reading) {
  box.querySelector(".pointer")?.setAttribute("visibility", "hidden");
  say(reading, "");
}

function spoken(name, means) {
  if (!means.length) return `Learning curve of ${name}: no epoch is finished yet`;
  const values = means.map((mean) => loss(mean.loss)).join(", ");
  return `Learning curve of ${name}. Mean loss of each epoch, in nats per token: ${values}`;
}

function linear(from, to, low, high) {
  const scale = (value) => low + ((value - from) / (to - from || 1)) * (high - low);
  scale.invert = (place) => from + ((place - low) / (high - low)) * (to - from);
  return scale;
}

const line = (points, x, y) =>
  points.map(({ step, loss: value }, i) => `${i ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("");

const highest = (losses) => losses.reduce((a, b) => Math.max(a, b), 0) || 1;

/** Round numbers from 0 to at least `top`, about `wanted` of them after the 0. */
function ticks(top, wanted) {
  const rough = top / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const every = [1, 2, 2.5, 5, 10].find((nice) => nice * power >= rough) * power;
  return Array.from({ length: Math.ceil(top / every - 1e-9) + 1 }, (_, i) => i * every);
}

/** At most two points for each pixel, the lowest and the highest, so that a long run is drawn quickly. */
function thin(steps, pixels) {
  const size = Math.ceil(steps.length / pixels);
  if (size < 3) return steps;
  const kept = [];
  for (let start = 0; start < steps.length; start += size) {
    const chunk = steps.slice(start, start + size).sort((a, b) => a.loss - b.loss);
    kept.push(...[chunk[0], chunk.at(-1)].sort((a, b) => a.step - b.step));
  }
  return kept;
}
