// The panels of the page: trainings, deployments, requests and the emulator itself.

import { learningCurve, sparkline } from "./chart.js";
import { byId, copyButton, keep, make, say } from "./dom.js";
import { answeredBy, clock, count, dayAndClock, duration, loss, milliseconds } from "./words.js";

const ENDED = new Set(["completed", "failed", "canceled", "error"]);
const SHOWN_REQUESTS = 100;

/** Show `state`; `tryOut(id)` is called to try a deployment. */
export function show(state, tryOut) {
  showSelf(state);
  showTrainings(state.trainings);
  showDeployments(state.deployments, tryOut);
  for (const [what, number] of Object.entries(state.counts)) counted(what, number);
  showRequests(state.requests);
}

function showSelf(state) {
  say(byId("stand-ins"), standIns(state.models));
  const facts = [
    ["Backend", state.backend],
    ["Seed", String(state.seed)],
    ["Catalogue", state.as_of ? `of ${state.as_of}` : "every model available"],
    ["Data", state.data_dir_is_temporary ? "temporary: gone when this stops" : "kept on disk"],
    ["Version", state.version],
    ["Since", dayAndClock(state.started_at)],
  ];
  byId("facts").replaceChildren(...facts.map(([term, text]) => fact(term, text)));
}

function standIns(models) {
  const names = [...new Set(models.map(answeredBy).filter(Boolean))];
  if (!names.length) return "";
  const covered = models.filter(answeredBy).length;
  const which = covered === models.length ? "every base model" : `${covered} of ${models.length} base models`;
  return `For ${which}, ${names.join(" and ")} stands in, so answers are not those of the named model.`;
}

const fact = (term, text) => make("div", {}, make("dt", {}, term), make("dd", {}, text));

/** A word and a color for a state; the word alone is enough. */
const badge = (state) => make("span", { class: "badge", "data-state": state }, state);

function showTrainings(trainings) {
  const newest = [...trainings].sort((a, b) => b.created_at.localeCompare(a.created_at));
  keep(byId("training-list"), newest, newTraining, updateTraining);
  openNewest(byId("training-list"));
}

/** Open the newest training once, and keep what the reader has opened or closed. */
function openNewest(list) {
  const first = list.firstElementChild;
  if (!first || list.dataset.newest === first.dataset.id) return;
  const before = [...list.children].find((node) => node.dataset.id === list.dataset.newest);
  if (before) before.open = false;
  first.open = true;
  list.dataset.newest = first.dataset.id;
}

function newTraining(training) {
  const chart = learningCurve();
  const node = make("details", { class: "training" },
    make("summary"), make("div", { class: "asked muted" }, askedFor(training), idLine("training", training.id)), make("dl", { class: "figures" }),
    make("p", { class: "failure", hidden: true }), chart, make("p", { class: "note muted" }));
  node.chart = chart;
  return node;
}

function updateTraining(node, training) {
  const [head, , figures, failure, , note] = node.children;
  head.replaceChildren(
    make("h3", {}, training.name), sparkline(training),
    make("span", { class: "last" }, lastLoss(training)), badge(training.state));
  figures.replaceChildren(...trainingFigures(training).map(([term, text]) => fact(term, text)));
  say(failure, training.failure ?? "");
  failure.hidden = !training.failure;
  node.chart.hidden = !training.steps.length;
  node.chart.show(training);
  say(note, trainingNote(training));
}

function lastLoss({ epochs, steps }) {
  const last = epochs.at(-1) ?? steps.at(-1);
  return last ? loss(last.loss) : "";
}

function askedFor(item) {
  const substitute = answeredBy(item);
  const asked = make("code", {}, item.base_model_id);
  return make("span", {}, asked, ...(substitute ? [", stand-in ", make("code", {}, substitute)] : []));
}

function idLine(what, id) {
  return make("span", { class: "id" }, make("code", {}, id), copyButton(`the id of the ${what}`, () => id));
}

function trainingFigures(training) {
  const { steps, epochs, total_steps, num_epochs, seconds, state } = training;
  const figures = [];
  if (epochs.length) figures.push(["Loss, last epoch", loss(epochs.at(-1).loss)]);
  if (num_epochs && epochs.length) figures.push(["Epochs", `${epochs.length} of ${num_epochs}`]);
  const last = steps.at(-1)?.step;
  if (last !== undefined) figures.push(["Steps", total_steps ? `${last} of ${total_steps}` : String(last)]);
  if (seconds !== null) figures.push(["Time", duration(seconds)]);
  return figures;
}

function trainingNote({ state, steps, message }) {
  if (message && !steps.length && !ENDED.has(state)) return message;
  if (state === "completed" && !steps.length) return "The tuning method reports no learning curve.";
  if (steps.length) return "Loss over the label and the end-of-text token.";
  return ENDED.has(state) ? "" : "The curve begins with the first step.";
}

function showDeployments(deployments, tryOut) {
  const newest = [...deployments].sort((a, b) => b.created_at.localeCompare(a.created_at));
  keep(byId("deployment-list"), newest, () => make("li"), (node, item) => updateDeployment(node, item, tryOut));
}

function updateDeployment(node, deployment, tryOut) {
  const ready = deployment.state === "ready";
  const button = make("button", { type: "button", class: "quiet", hidden: !ready, "aria-label": `Try ${deployment.name}` }, "Try");
  button.addEventListener("click", () => tryOut(deployment.id));
  node.replaceChildren(
    make("div", { class: "head" }, make("h3", {}, deployment.name), badge(deployment.state), button),
    make("div", { class: "asked muted" }, askedFor(deployment), servingName(deployment), idLine("deployment", deployment.id)));
  if (deployment.failure) node.append(make("p", { class: "failure" }, deployment.failure));
}

const servingName = ({ serving_name }) =>
  serving_name ? make("span", {}, "serving name ", make("code", {}, serving_name)) : null;

function showRequests(requests) {
  const others = requests.filter(({ path }) => path !== "/" && !path.startsWith("/_emulator"));
  const newest = others.map((request, place) => ({ ...request, id: `${place} ${request.time}` })).reverse();
  keep(byId("request-list"), newest.slice(0, SHOWN_REQUESTS), () => make("tr"), updateRequest);
  byId("request-table").hidden = !others.length;
  document.querySelector("[data-empty=requests]").hidden = others.length > 0;
}

function updateRequest(row, { time, method, path, status, ms, script, replayed }) {
  const [address, query] = path.split(/(?=\?)/);
  const source = (script && `scripted: ${script}`) || (replayed && `recorded: ${replayed}`);
  row.replaceChildren(
    make("td", {}, clock(time)), make("td", {}, method),
    make("td", { class: "path" }, make("code", {}, address, make("span", { class: "query" }, query ?? "")),
      ...(source ? [make("div", { class: "muted" }, source)] : [])),
    make("td", { class: status >= 400 ? "refused" : null }, String(status)), make("td", {}, milliseconds(ms)));
}

function counted(what, number) {
  say(document.querySelector(`[data-count=${what}]`), number ? String(number) : "");
  document.querySelector(`[data-empty=${what}]`).hidden = number > 0;
}

/** The changes of state since `before`, for screen readers. */
export function changes(before, now) {
  return ["trainings", "deployments"].flatMap((kind) => {
    const known = new Map((before?.[kind] ?? now[kind]).map((item) => [item.id, item.state]));
    return now[kind]
      .filter((item) => known.get(item.id) !== item.state)
      .map((item) => `${kind.slice(0, -1)} ${item.name}: ${item.state}`);
  });
}

/** The summary in the head of the page. */
export function summary({ trainings, deployments }) {
  const running = trainings.filter(({ state }) => !ENDED.has(state)).length;
  const ready = deployments.filter(({ state }) => state === "ready").length;
  const parts = [running && `${count(running, "training")} running`, ready && `${count(ready, "deployment")} ready`];
  return parts.filter(Boolean).join(", ") || "nothing is running";
}
