/**
 * What the page does in a browser: plays the videos by one clock, and reads the timelines out. The function is written
 * into the page as text, so it may use nothing from outside itself.
 */

import type { Stage, StagePrompt, StageVideo } from "./stage.ts";

export function play(): void {
  const find = <T extends Element>(selector: string): T => {
    const element = document.querySelector<T>(selector);
    if (!element) throw new Error(`The page has no ${selector}.`);
    return element;
  };
  const stage: Stage = JSON.parse(find("#stage-data").textContent ?? "");
  const videos = find<HTMLElement>("#videos");
  const readout = find<HTMLElement>("#readout");
  const clock = find<HTMLInputElement>("#clock");
  const button = find<HTMLButtonElement>("#play");
  const choice = find<HTMLSelectElement>("#prompt");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  let playing = !still;
  let target = "";
  let startedMs = 0;

  const element = (name: string, className: string, text = "") => {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  };

  const show = (frame: number) => {
    clock.value = String(frame);
    const shift = `translateX(${(-100 * frame) / stage.frames}%)`;
    for (const strip of videos.querySelectorAll("img")) strip.style.transform = shift;
  };

  const tick = (nowMs: number) => {
    if (playing) show(Math.floor(((nowMs - startedMs) / 1000) * stage.fps) % stage.frames);
    requestAnimationFrame(tick);
  };

  const setPlaying = (on: boolean) => {
    playing = on;
    startedMs = performance.now() - (Number(clock.value) / stage.fps) * 1000;
    button.textContent = on ? "Pause" : "Play";
  };

  const describe = (video: StageVideo, step: number) => {
    const { mode, cost, margin, deviation } = video;
    const parts = [`${video.label}, step ${step + 1} of ${mode.length}: ${mode[step]}`];
    parts.push(`${Math.round(100 * (cost[step] ?? 0))} % computed`);
    if (typeof margin[step] === "number") parts.push(`margin ${margin[step]}`);
    if (typeof deviation[step] === "number") parts.push(`deviation ${deviation[step]}`);
    return parts.join(" · ");
  };

  /** One bar a step, as high as what was computed of it. */
  const timeline = (video: StageVideo) => {
    const bars = element("div", "timeline");
    const steps = video.mode.length;
    let at = 0;
    const mark = (step: number) => {
      at = Math.min(steps - 1, Math.max(0, step));
      for (const [i, bar] of [...bars.children].entries()) bar.classList.toggle("here", i === at);
      readout.textContent = describe(video, at);
      bars.setAttribute("aria-valuenow", String(at + 1));
      bars.setAttribute("aria-valuetext", describe(video, at));
    };
    bars.tabIndex = 0;
    for (const [name, value] of [
      ["role", "slider"],
      ["aria-label", `Decisions of ${video.label}`],
      ["aria-valuemin", "1"],
      ["aria-valuemax", String(steps)],
      ["aria-valuenow", "1"],
    ] as const)
      bars.setAttribute(name, value);
    for (const [step, mode] of video.mode.entries()) {
      const cost = video.cost[step] ?? 0;
      const byCost = cost > 0.995 ? "full" : cost < 0.1 ? "step" : "block";
      const bar = element("span", `bar ${["block", "cfg", "step"].includes(mode) ? mode : byCost}`);
      bar.style.height = `${Math.max(6, 100 * cost)}%`;
      bars.append(bar);
    }
    bars.addEventListener("pointermove", (event) => {
      const { left, width } = bars.getBoundingClientRect();
      mark(Math.floor(((event.clientX - left) / width) * steps));
    });
    bars.addEventListener("focus", () => mark(at));
    bars.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1, Home: -steps, End: steps }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      mark(at + move);
    });
    return bars;
  };

  const figure = (video: StageVideo) => {
    const made = element("figure", video.focus ? "focus" : "");
    const frame = element("div", "frame");
    const strip = document.createElement("img");
    strip.src = `data:image/webp;base64,${video.strip}`;
    strip.alt = `Frames of ${video.label}`;
    strip.style.width = `${100 * stage.frames}%`;
    frame.append(strip);
    const caption = element("figcaption", "");
    const numbers =
      video.psnr === null ? "uncached" : `${video.psnr.toFixed(2)} dB · ${video.speedup.toFixed(2)}×`;
    caption.append(element("b", "", video.label), element("span", "", numbers));
    made.append(frame, caption, timeline(video));
    return made;
  };

  const render = () => {
    const found: StagePrompt | undefined = stage.prompts[Number(choice.value)];
    const shown = found?.videos.filter(
      (video) => video.psnr === null || target === "all" || String(video.target) === target,
    );
    const [reference, ...others] = shown ?? [];
    others.sort((a, b) => Number(b.focus) - Number(a.focus) || (b.psnr ?? 0) - (a.psnr ?? 0));
    videos.replaceChildren(...(reference ? [reference, ...others].map(figure) : []));
    show(Number(clock.value));
  };

  const choose = (pressed: HTMLButtonElement) => {
    target = pressed.value;
    for (const other of document.querySelectorAll("[data-target]"))
      other.setAttribute("aria-pressed", String(other === pressed));
    render();
  };

  for (const option of document.querySelectorAll<HTMLButtonElement>("[data-target]"))
    option.addEventListener("click", () => choose(option));
  choice.addEventListener("change", render);
  button.addEventListener("click", () => setPlaying(!playing));
  clock.addEventListener("input", () => {
    setPlaying(false);
    show(Number(clock.value));
  });
  for (const label of document.querySelectorAll<SVGElement>("[data-family]")) {
    const light = (on: boolean) => {
      for (const other of document.querySelectorAll<SVGElement>("[data-family]"))
        other.classList.toggle("lit", on && other.dataset.family === label.dataset.family);
    };
    for (const [event, on] of [
      ["pointerenter", true],
      ["focus", true],
      ["pointerleave", false],
      ["blur", false],
    ] as const)
      label.addEventListener(event, () => light(on));
  }
  setPlaying(playing);
  const first = document.querySelector<HTMLButtonElement>("[data-target][aria-pressed=true]");
  if (first) choose(first);
  requestAnimationFrame(tick);
}
