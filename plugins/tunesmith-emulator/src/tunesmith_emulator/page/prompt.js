// The box that tries a prompt.

import { byId, make } from "./dom.js";
import { answeredBy, count, milliseconds, stop } from "./words.js";

const DEPLOYMENT = "deployment";
const MODEL = "model_id";
const HINTS = {
  [DEPLOYMENT]: "A deployment adds the template of its tuning to the input.",
  [MODEL]: "A base model gets the unchanged input.",
};

/** Connect the form. */
export function preparePrompt() {
  byId("try-form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  byId("try-input").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("try-form").requestSubmit();
  });
  byId("try-target").addEventListener("change", hint);
}

/** Choose a deployment and focus the input. */
export function tryOut(deployment) {
  byId("try-target").value = `${DEPLOYMENT} ${deployment}`;
  hint();
  byId("try-input").focus();
}

/** List the ready deployments and the base models. */
export function offer({ deployments, models }) {
  const ready = deployments.filter(({ state }) => state === "ready");
  const groups = [
    ["Deployments", ready.map(({ id, name }) => [`${DEPLOYMENT} ${id}`, name])],
    ["Base models", models.map((model) => [`${MODEL} ${model.model_id}`, modelName(model)])],
  ];
  const select = byId("try-target");
  const seen = JSON.stringify(groups);
  if (select.seen === seen) return;
  select.seen = seen;
  const chosen = select.value;
  select.replaceChildren(...groups.filter(([, options]) => options.length).map(optionGroup));
  if ([...select.options].some(({ value }) => value === chosen)) select.value = chosen;
  // Before the first list a click would only open the browser's own hint at an empty list.
  if (!asking) button().disabled = !select.options.length;
  hint();
}

const modelName = (model) => (answeredBy(model) ? `${model.model_id} (stand-in)` : model.model_id);

const optionGroup = ([label, options]) =>
  make("optgroup", { label }, options.map(([value, name]) => make("option", { value }, name)));

const target = () => byId("try-target").value.split(/ (.*)/s, 2);

function hint() {
  byId("try-hint").textContent = HINTS[target()[0]] ?? "";
}

const button = () => byId("try-form").querySelector("button");

let asking = false;

async function ask() {
  const result = byId("try-result");
  asking = button().disabled = true;
  result.replaceChildren(make("p", { class: "muted" }, "Generating…"));
  try {
    result.replaceChildren(...answer(await generate()));
  } catch (error) {
    result.replaceChildren(make("p", { class: "failure" }, error.message));
  }
  asking = button().disabled = false;
}

async function generate() {
  const [kind, id] = target();
  const tokens = byId("try-tokens").valueAsNumber;
  const body = { [kind]: id, input: byId("try-input").value };
  if (Number.isFinite(tokens)) body.max_new_tokens = tokens;
  const response = await send(body);
  const answered = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(refusal(response, answered));
  return answered;
}

async function send(body) {
  try {
    return await fetch("/_emulator/try", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The emulator does not answer. Start it again, then send once more.");
  }
}

const refusal = (response, body) =>
  body.errors?.map(({ message }) => message).join("\n") || `The emulator answered ${response.status} without a reason.`;

function answer({ generated_text, generated_token_count, input_token_count, stop_reason, ms }) {
  const text = generated_text === ""
    ? make("p", { class: "answer muted" }, "an empty text")
    : make("p", { class: "answer" }, generated_text);
  const figures = [
    `${count(generated_token_count, "token")} from ${count(input_token_count, "token")} of input`,
    stop(stop_reason), milliseconds(ms),
  ];
  return [make("h3", {}, "Answer"), text, make("p", { class: "muted" }, figures.join(", "))];
}
