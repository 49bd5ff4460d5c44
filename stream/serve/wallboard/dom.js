// The few ways in which this page makes elements. Text is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

/** An element with a class and children: nodes, or texts. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** An SVG element with attributes. */
export function drawn(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets a text only where it differs, so that nothing is laid out or read out anew. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setClass(element, className) {
  if (element.className !== className) element.className = className;
}

export const STATE_WORDS = { ok: "on target", warn: "just off target", bad: "off target", none: "" };

const SIGNS = {
  ok: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z", "M7 12.5l3.4 3.4L17 8.8"],
  warn: ["M12 2.5L23 21.5H1z", "M12 9.5v5.2M12 18v.1"],
  bad: ["M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9z", "M8.4 8.4l7.2 7.2M15.6 8.4l-7.2 7.2"],
};

/** The sign of a state: each has a shape of its own beside its colour. */
export function sign(state) {
  const svg = drawn("svg", { class: `sign sign-${state}`, viewBox: "0 0 24 24", "aria-hidden": "true" });
  for (const [place, path] of (SIGNS[state] ?? []).entries()) {
    svg.append(drawn("path", { d: path, class: place ? "sign-mark" : "sign-shape" }));
  }
  return svg;
}
