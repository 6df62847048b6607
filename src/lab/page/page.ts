/** The report as one page that needs nothing else: no network, no framework; it opens from a folder. */

import { createHash } from "node:crypto";
import { MARK_SENTENCE } from "../../media/index.ts";
import { SPEED_TOLERANCE } from "../comparisons.ts";
import type { Report } from "../report.ts";
import { fixed, percent, plural, times } from "./format.ts";
import { Html, html, jsonScript, scriptElement } from "./html.ts";
import { plot } from "./plot.ts";
import { reach } from "./reach.ts";
import { play } from "./script.ts";
import type { Stage } from "./stage.ts";
import { STYLE } from "./style.ts";
import { bigTable, MAIN_METRICS, metricsTable, sections, verdicts } from "./tables.ts";

/** The whole document. */
export function pageOf(report: Report, stage: Stage): string {
  const script = `(${play.toString()})()`;
  const policy = `default-src 'none'; img-src data:; style-src ${hashOf(STYLE)}; script-src ${hashOf(script)}`;
  const title = `${report.bundle.title}: quality against speed`;
  const hasStage = stage.prompts.length > 0;
  const { text } = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><style>${new Html(STYLE)}</style></head>
<body><main>
${header(report)}
${plots(report)}
${hasStage && stageSection(report, stage)}
${tableSection(report)}
${reach(report)}
${promptSection(report)}
${footer(report)}
</main>
${hasStage && jsonScript("stage-data", stage)}
${hasStage && scriptElement(script)}
</body></html>
`;
  return text;
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function header(report: Report): Html {
  const { bundle, prompts, videos, num_inference_steps, rows } = report;
  const full = rows[0];
  const found = verdicts(report);
  return html`<header><h1>${bundle.title}: how much can be skipped</h1>
<p class="lead">Every policy made the same ${plural(prompts.count * prompts.seeds.length, "video")} as the uncached model, from the same noise: ${plural(prompts.count, "prompt")}, ${plural(prompts.seeds.length, "seed")}, ${num_inference_steps} steps${full && html`, ${fixed(full.speed.denoise_ms / 1000, 2)} s each without a cache`}. Quality is how near a video stays to the uncached one.</p>
${videos.there < videos.planned && html`<p class="soft">Not finished: ${videos.there} of ${videos.planned} videos are there.</p>`}
${found && html`<p>${report.focus} at each speedup, and its difference to the rival that comes nearest, with its 95 % interval.</p>${found}`}
</header>`;
}

function plots(report: Report): Html {
  const timed = report.rows.some(({ speed }) => speed.real !== undefined);
  const speeds = timed ? (["computed", "real"] as const) : (["computed"] as const);
  return html`<section><h2>Quality over speed</h2>
<p class="soft">Means over all videos; up and to the right is better. Point at a name to follow its curve.</p>
${timed && html`<fieldset class="axes" aria-label="Speedup"><label><input type="radio" name="speed" id="by-computed" checked>by computed FLOPs</label><label><input type="radio" name="speed" id="by-real">by the clock</label></fieldset>`}
<div class="plots">${speeds.map((speed) => MAIN_METRICS.map((metric) => plot(report.rows, { metric, speed, focus: report.focus })))}</div></section>`;
}

function stageSection(report: Report, stage: Stage): Html {
  const targets = sections(report).flatMap(({ target }) => target ?? []);
  const pressed = targets.find((target) => target >= 2) ?? targets[0];
  return html`<section><h2>Side by side, worst prompts first</h2>
<p class="soft">All videos run by one clock. Below each, one bar a step, as high as what was computed of it.</p>
<div class="controls"><select id="prompt" aria-label="Prompt">${stage.prompts.map(({ prompt, seed }, i) => html`<option value="${i}">${i + 1}. ${prompt} (seed ${seed})</option>`)}</select>
${targets.map((target) => html`<button data-target value="${target}" aria-pressed="${String(target === pressed)}">${times(target)}</button>`)}<button data-target value="all" aria-pressed="${String(pressed === undefined)}">all</button></div>
<div class="controls"><button id="play">Play</button><input id="clock" type="range" min="0" max="${stage.frames - 1}" value="0" aria-label="Frame"></div>
<div class="legend"><span><span class="bar"></span>all computed</span><span><span class="bar block"></span>part of the blocks</span><span><span class="bar cfg"></span>one branch of the guidance</span><span><span class="bar step"></span>next to nothing</span></div>
<p id="readout" class="soft" aria-live="polite">Point at a timeline, or focus it and use the arrow keys.</p>
<div id="videos"></div></section>`;
}

function tableSection(report: Report): Html {
  return html`<section><h2>All contestants</h2>
<p class="soft">Differences are ${report.focus} less the contestant, paired by video; their 95 % intervals count each prompt once. They are given only where the computed speedups are within ${percent(SPEED_TOLERANCE)} of each other. “of ideal” is the measured speedup over the computed one. “controller” is the policy's own time in a step over the time of an uncached step. “adherence” is the share of videos in which everything that the prompt names was found.</p>
${bigTable(report)}
${metricsTable(report)}</section>`;
}

function promptSection({ by_prompt, focus, rows }: Report): Html {
  const judged = rows.filter(({ family }) => family === focus);
  const labels = (judged.length > 0 ? judged : rows).map(({ label }) => label);
  const psnr = (of: Report["by_prompt"][number]) => {
    const values = labels.flatMap((label) => of.contestants[label]?.psnr ?? []);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return html`<section><h2>Prompts, worst first</h2>
<p class="soft">Mean PSNR of ${judged.length > 0 ? focus : "all contestants"} over its speedups and seeds.</p>
<ol class="prompts">${by_prompt.map((of) => html`<li>${fixed(psnr(of), 1)} dB, ${of.prompt}</li>`)}</ol></section>`;
}

function footer({ made, engine, bundle, prompts }: Report): Html {
  const facts: [string, string | undefined][] = [
    ["made", made.at],
    ["commit", made.commit],
    [
      "engine",
      `${engine.version}, ${engine.backend} on ${engine.device}, ${plural(engine.threads, "thread")}`,
    ],
    ["machine", engine.machine],
    ["bundle", `${bundle.id}, sha256:${bundle.digest}`],
    ["prompts", `${prompts.name}, seeds ${prompts.seeds.join(", ")}`],
    ["videos", MARK_SENTENCE],
  ];
  return html`<footer><dl>${facts.map(([name, value]) => value !== undefined && html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></footer>`;
}
