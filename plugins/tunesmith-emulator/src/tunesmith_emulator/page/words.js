// Formats figures and times.

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY_AND_CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const STOPS = {
  eos_token: "stopped at the end of text",
  max_tokens: "stopped at the limit of new tokens",
  token_limit: "stopped at the model’s limit of tokens",
  stop_sequence: "stopped at a stop sequence",
  time_limit: "stopped at the time limit",
};

/** `1 token`, `2 tokens`. */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** A loss in nats per token, three digits after the point. */
export const loss = (value) => value.toFixed(3);

/** The reason for the end of a generation, in words. */
export const stop = (reason) => STOPS[reason] ?? reason;

/** A time of day, from an ISO time. */
export const clock = (time) => CLOCK.format(instant(time));

/** Day and time of day, from an ISO time. */
export const dayAndClock = (time) => DAY_AND_CLOCK.format(instant(time));

/** A duration in seconds, in words. */
export function duration(seconds) {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : count(Math.floor(hours / 24), "day");
}

/** The model that answers for `item`, if it is another one. */
export function answeredBy({ model_id, base_model_id, stand_in }) {
  const asked = base_model_id ?? model_id;
  return stand_in && stand_in !== asked ? stand_in : null;
}

/** A short time, given in milliseconds. */
export function milliseconds(ms) {
  if (ms >= 1000) return duration(ms / 1000);
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

function instant(time) {
  // A time without a zone is UTC: JavaScript alone would take it for local time.
  return new Date(/(Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`);
}
