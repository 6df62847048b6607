/** A video while it is made: what was told of it so far, and the sentences that say so. */

import type { VideoRequest } from "../settings/draft.ts";
import type { StepFacts } from "../timeline/columns.ts";
import { percent, savedOf } from "../timeline/columns.ts";
import type { Phase, Picture, RunEvent } from "./generator.ts";
import type { MadeVideo, Place } from "./made-video.ts";

/** How a run ended. */
export type Ending =
  | { readonly is: "made"; readonly video: MadeVideo }
  | { readonly is: "stopped" }
  | { readonly is: "failed"; readonly sentence: string };

export interface RunState {
  readonly request: VideoRequest;
  readonly place: Place;
  readonly id: string | undefined;
  readonly phase: Phase | "starting";
  /** Of the whole, 0 to 1. */
  readonly share: number;
  /** The step that runs, from 1; 0 before the first. */
  readonly step: number;
  /** How many there are; 0 before that is known. */
  readonly steps: number;
  readonly secondsLeft: number | undefined;
  /** Who waits before it, where it is queued. */
  readonly queuePosition: number | undefined;
  readonly download: { readonly receivedBytes: number; readonly totalBytes: number } | undefined;
  /** Steps that are done, in order. */
  readonly finished: readonly StepFacts[];
  readonly preview: { readonly index: number; readonly picture: Picture } | undefined;
  readonly notices: readonly string[];
  readonly ending: Ending | undefined;
}

export function begun(request: VideoRequest, place: Place): RunState {
  return {
    request,
    place,
    id: undefined,
    phase: "starting",
    ...NOTHING_YET,
    queuePosition: undefined,
    download: undefined,
    notices: [],
    ending: undefined,
  };
}

/** What an attempt begins with. */
const NOTHING_YET = {
  share: 0,
  step: 0,
  steps: 0,
  secondsLeft: undefined,
  finished: [] as readonly StepFacts[],
  preview: undefined,
} as const;

/** The state after an event. */
export function told(state: RunState, event: RunEvent): RunState {
  switch (event.is) {
    case "created":
      return { ...state, id: event.id };
    case "queued":
      return { ...state, phase: "queued", queuePosition: event.position, secondsLeft: event.etaSeconds };
    case "started":
      return { ...state, ...NOTHING_YET, phase: "text" };
    case "download": {
      const { receivedBytes, totalBytes } = event;
      return { ...state, phase: "download", download: { receivedBytes, totalBytes } };
    }
    case "progress": {
      const { phase, share, step = state.step, steps = state.steps, secondsLeft } = event;
      return { ...state, phase, share, step, steps, secondsLeft };
    }
    case "step":
      return { ...state, finished: withStep(state.finished, event.step) };
    case "preview": {
      const { index, picture } = event;
      // Pictures are fetched side by side: an older one may come later.
      return index < (state.preview?.index ?? 0) ? state : { ...state, preview: { index, picture } };
    }
    case "notice":
      return state.notices.includes(event.sentence)
        ? state
        : { ...state, notices: [...state.notices, event.sentence] };
  }
}

function withStep(finished: readonly StepFacts[], step: StepFacts): readonly StepFacts[] {
  return [...finished.filter(({ index }) => index !== step.index), step].sort((a, b) => a.index - b.index);
}

/** What is going on, in two lines. */
export interface Words {
  readonly title: string;
  readonly detail: string;
}

/** @returns for people who look: changes with every event */
export function wordsOf(state: RunState): Words {
  const left = state.secondsLeft === undefined ? "" : timeLeft(state.secondsLeft);
  switch (state.phase) {
    case "starting":
      return {
        title: "Starting",
        detail: state.place === "server" ? "Asking the server" : "Opening the engine",
      };
    case "queued":
      return { title: "Queued", detail: joined(queueWords(state.queuePosition), left) };
    case "download":
      return isDownloaded(state)
        ? { title: "Preparing the engine", detail: "" }
        : { title: "Loading the model", detail: downloadWords(state.download) };
    case "text":
      return { title: "Reading the prompt", detail: "" };
    case "denoise": {
      const saved = state.finished.length > 0 ? `${percent(savedOf(state.finished))} of the work reused` : "";
      return { title: `Step ${state.step} of ${state.steps}`, detail: joined(saved, left) };
    }
    case "decode":
      return { title: "Decoding", detail: "From latents to pixels" };
    case "encode":
      return { title: "Writing the file", detail: "" };
  }
}

/** @returns for people who listen: changes with phases and every quarter of the steps, and at the end */
export function announcementOf(state: RunState): string {
  const { ending } = state;
  if (ending?.is === "made") return "The video is ready.";
  if (ending?.is === "stopped") return "Cancelled.";
  if (ending?.is === "failed") return ending.sentence;
  if (state.phase !== "denoise") return `${wordsOf(state).title}.`;
  const quarters = Math.floor((state.finished.length / Math.max(1, state.steps)) * 4);
  return quarters === 0 ? "Denoising." : `${quarters * 25} % of the steps are done.`;
}

function queueWords(position: number | undefined): string {
  if (position === undefined) return "";
  return position === 0 ? "Next in line" : `${position} before it`;
}

/** All files are here; what comes now takes a while too, and nobody knows how long. */
export function isDownloaded({ download }: RunState): boolean {
  return download !== undefined && download.receivedBytes >= download.totalBytes;
}

function downloadWords(download: RunState["download"]): string {
  if (!download || download.totalBytes === 0) return "";
  return `${megabytes(download.receivedBytes)} of ${megabytes(download.totalBytes)} MB`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** "about 5 s left", "about 3 min left". */
export function timeLeft(seconds: number): string {
  if (seconds < 1) return "almost done";
  return seconds < 100 ? `about ${Math.ceil(seconds)} s left` : `about ${Math.round(seconds / 60)} min left`;
}

function joined(...words: readonly string[]): string {
  return words.filter((word) => word !== "").join(" · ");
}
