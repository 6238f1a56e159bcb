// Makes the time axes of report.html zoom and readable at a cursor. Without it the page shows the same facts.
"use strict";
document.documentElement.classList.add("js");

/** What a lane shows at `at`, in milliseconds from the fault; `null` where it shows nothing. */
function reading(lane, at) {
  const strip = lane.dataset.strip;
  if (strip) {
    const index = Math.floor((at - Number(lane.dataset.start)) / Number(lane.dataset.step));
    let first = 0;
    for (const run of strip.match(/\d+[A-Z]/g) || []) {
      first += parseInt(run, 10);
      if (index >= 0 && index < first) return JSON.parse(lane.dataset.words)[run.at(-1)] || null;
    }
    return null;
  }
  let found = null;
  for (const mark of lane.querySelectorAll("rect")) {
    const from = mark.x.baseVal.value;
    if (from <= at && at <= from + mark.width.baseVal.value) found = mark.textContent;
  }
  return found;
}

function seconds(milliseconds) {
  return (milliseconds / 1000).toFixed(3) + " s";
}

/** Round numbers of seconds, as many as there is room for. */
function tickStep(span, most) {
  let step = 1;
  for (let index = 0; span / step > most; index += 1) step *= [2, 2.5, 2][index % 3];
  return step;
}

class Chart {
  constructor(element) {
    this.element = element;
    this.full = [Number(element.dataset.from), Number(element.dataset.to)];
    this.home = [Number(element.dataset.homeFrom), Number(element.dataset.homeTo)];
    this.plots = [...element.querySelectorAll(".plot")];
    this.cursor = element.querySelector(".cursor");
    this.brush = element.querySelector(".brush");
    this.output = element.parentElement.querySelector(".read");
    this.pointers = new Map();
    this.pinned = null;
    this.listen();
    this.show(this.home);
  }

  get axis() { return this.plots[0].getBoundingClientRect(); }
  time(x) { return this.view[0] + (x - this.axis.left) / this.axis.width * (this.view[1] - this.view[0]); }
  left(at) { return this.axis.left - this.element.getBoundingClientRect().left + (at - this.view[0]) / (this.view[1] - this.view[0]) * this.axis.width; }

  show([from, to]) {
    const span = Math.min(Math.max(20, to - from), this.full[1] - this.full[0]);
    const start = Math.min(Math.max(this.full[0], from), this.full[1] - span);
    this.view = [start, start + span];
    for (const picture of this.element.querySelectorAll("svg")) {
      picture.setAttribute("viewBox", `${start} 0 ${span} ${picture.viewBox.baseVal.height}`);
    }
    this.drawTicks();
    this.placeEvents();
    this.point(this.pinned);
  }

  drawTicks() {
    const ticks = this.element.querySelector(".ticks");
    const width = this.axis.width;
    const span = this.view[1] - this.view[0];
    const step = tickStep(span, Math.max(2, width / 90));
    const marks = [];
    for (let at = Math.ceil(this.view[0] / step) * step; at <= this.view[1]; at += step) {
      const left = (at - this.view[0]) / span * 100;
      if (width * (1 - left / 100) < 44) break;
      const mark = document.createElement("b");
      mark.style.left = left + "%";
      mark.textContent = Number((at / 1000).toFixed(3)) + " s";
      marks.push(mark);
    }
    ticks.replaceChildren(...marks);
  }

  /** Puts the labels of the cluster's events into as many rows as keep them apart. */
  placeEvents(width = this.axis.width) {
    const lane = this.element.querySelector(".events");
    const ends = [];
    for (const label of lane.querySelectorAll("b")) {
      const left = (Number(label.dataset.at) - this.view[0]) / (this.view[1] - this.view[0]) * width;
      label.hidden = left < 0 || left > width;
      if (label.hidden) continue;
      const size = label.offsetWidth;
      const place = Math.max(0, Math.min(left, width - size));
      let row = ends.findIndex((end) => end <= place);
      if (row < 0) row = ends.length;
      ends[row] = place + size + 6;
      label.style.left = `min(${left / width * 100}%, calc(100% - ${size}px))`;
      label.style.top = row * 16 + "px";
    }
    lane.style.height = Math.max(1, ends.length) * 16 + "px";
  }

  zoom(factor, at = (this.view[0] + this.view[1]) / 2) {
    this.show([at - (at - this.view[0]) * factor, at + (this.view[1] - at) * factor]);
  }

  pan(share) {
    const by = (this.view[1] - this.view[0]) * share;
    this.show([this.view[0] + by, this.view[1] + by]);
  }

  /** Reads all lanes at `at`. */
  point(at) {
    const isSeen = at !== null && at >= this.view[0] && at <= this.view[1];
    this.cursor.style.display = isSeen ? "block" : "none";
    if (!isSeen) {
      this.output.textContent = "Point at the chart to read all lanes; click to pin. Drag, pinch, + and - zoom; the arrow keys move the cursor.";
      return;
    }
    this.cursor.style.left = this.left(at) + "px";
    const time = document.createElement("b");
    time.textContent = seconds(at) + " from the fault";
    const parts = this.plots.filter((plot) => plot.dataset.name).map((plot) => [plot.dataset.name, reading(plot, at)])
      .filter(([, text]) => text).map(([name, text]) => `${name}: ${text}`);
    this.output.replaceChildren(time, parts.length ? " · " + parts.join(" · ") : "");
  }

  pin(at) {
    this.pinned = at;
    this.point(at);
  }

  listen() {
    const element = this.element;
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.pointers.set(event.pointerId, event.clientX);
      this.began = { x: event.clientX, view: this.view, isTouch: event.pointerType === "touch" };
      if (!this.began.isTouch) element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => this.moved(event));
    element.addEventListener("pointerup", (event) => this.released(event));
    element.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    element.addEventListener("pointerleave", () => { if (!this.pointers.size) this.point(this.pinned); });
    element.addEventListener("dblclick", () => this.show(this.home));
    element.addEventListener("wheel", (event) => {
      // A page must scroll; the wheel zooms only with a key, or as a pinch, which browsers send as one.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.time(event.clientX));
    }, { passive: false });
    element.addEventListener("keydown", (event) => this.pressed(event));
    for (const button of element.parentElement.querySelectorAll("button")) {
      button.addEventListener("click", () => this.command(button.dataset.do));
    }
    new ResizeObserver(() => { if (this.axis.width) this.show(this.view); }).observe(element);
  }

  moved(event) {
    if (!this.pointers.has(event.pointerId)) {
      if (this.pinned === null) this.point(this.time(event.clientX));
      return;
    }
    const before = [...this.pointers.values()];
    this.pointers.set(event.pointerId, event.clientX);
    const now = [...this.pointers.values()];
    if (now.length === 2) {
      const apart = Math.max(10, Math.abs(now[0] - now[1]));
      this.zoom(Math.max(10, Math.abs(before[0] - before[1])) / apart, this.time((now[0] + now[1]) / 2));
    } else if (this.began.isTouch) {
      const by = (this.began.x - event.clientX) / this.axis.width * (this.began.view[1] - this.began.view[0]);
      this.show([this.began.view[0] + by, this.began.view[1] + by]);
    } else if (Math.abs(event.clientX - this.began.x) > 4) {
      const box = this.element.getBoundingClientRect();
      const edge = (x) => Math.min(Math.max(x, this.axis.left), this.axis.right) - box.left;
      const [from, to] = [edge(this.began.x), edge(event.clientX)].sort((a, b) => a - b);
      Object.assign(this.brush.style, { display: "block", left: from + "px", width: to - from + "px" });
    }
  }

  released(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.brush.style.display = "none";
    const distance = Math.abs(event.clientX - this.began.x);
    if (distance <= 4) return this.pin(this.time(event.clientX));
    if (!this.began.isTouch) this.show([this.time(Math.min(event.clientX, this.began.x)), this.time(Math.max(event.clientX, this.began.x))]);
  }

  pressed(event) {
    const step = (this.view[1] - this.view[0]) / (event.shiftKey ? 10 : 100);
    const middle = (this.view[0] + this.view[1]) / 2;
    switch (event.key) {
      case "ArrowLeft": this.pin(Math.max(this.view[0], (this.pinned ?? middle) - step)); break;
      case "ArrowRight": this.pin(Math.min(this.view[1], (this.pinned ?? middle) + step)); break;
      case "+": case "=": this.zoom(0.5, this.pinned ?? middle); break;
      case "-": this.zoom(2, this.pinned ?? middle); break;
      case "PageUp": this.pan(-0.5); break;
      case "PageDown": this.pan(0.5); break;
      case "Home": case "0": this.show(this.home); break;
      case "End": this.show(this.full); break;
      case "Escape": this.pin(null); break;
      default: return;
    }
    event.preventDefault();
  }

  command(name) {
    switch (name) {
      case "fault": this.show(this.home); break;
      case "all": this.show(this.full); break;
      case "in": this.zoom(0.5, this.pinned ?? undefined); break;
      case "out": this.zoom(2, this.pinned ?? undefined); break;
      case "back": this.pan(-0.5); break;
      case "on": this.pan(0.5); break;
    }
  }
}

/** Fills in what was left out of the page until it is looked at, and starts its charts. */
function open(repeat) {
  const left = repeat.querySelector(":scope > noscript");
  if (left) {
    const content = document.createElement("div");
    content.innerHTML = left.textContent;
    left.replaceWith(content);
  }
  for (const element of repeat.querySelectorAll(".chart")) element.chart ||= new Chart(element);
}

for (const repeat of document.querySelectorAll(".repeat")) {
  if (repeat.open) open(repeat);
  repeat.addEventListener("toggle", () => { if (repeat.open) open(repeat); });
}

/** Of an experiment one repeat is open at a time, the one that was chosen. */
function choose() {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  if (target.matches(".repeat")) {
    for (const other of target.parentElement.querySelectorAll(":scope > .repeat")) other.open = other === target;
  }
  for (let outer = target; outer; outer = outer.parentElement) if (outer.matches("details")) outer.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", choose);
choose();

addEventListener("beforeprint", () => {
  for (const closed of document.querySelectorAll("details")) {
    if (closed.matches(".repeat")) open(closed);
    closed.open = true;
  }
  for (const inner of document.querySelectorAll("details")) inner.open = true;
  // The width of what is printed on a page of A4, less the names of the lanes.
  for (const element of document.querySelectorAll(".chart")) element.chart?.placeEvents(600);
});
addEventListener("afterprint", () => {
  for (const element of document.querySelectorAll(".chart")) element.chart?.placeEvents();
});
