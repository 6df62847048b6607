/** Videos from a server: asked for, followed over connections that break, and cancelled there. */

import { isErrorCode, MixcacheError } from "../../errors.ts";
import { type Api, eventsPath } from "../server/api.ts";
import { follow } from "../server/follow.ts";
import type { ServerEvent } from "../server/sse.ts";
import type { VideoRequest } from "../settings/draft.ts";
import type { Generator, Phase, RunEvent, Tell } from "./generator.ts";
import { type MadeVideo, madeOfApi } from "./made-video.ts";

export interface ServerGeneratorOptions {
  readonly api: Api;
  readonly wait: (ms: number) => Promise<void>;
  /** A new name for a request, so that sending it twice makes one video. */
  readonly newId: () => string;
  /** Steps between two previews; at most 20 come of a video. */
  readonly previewEvery: number;
}

export class ServerGenerator implements Generator {
  readonly place = "server";
  readonly #options: ServerGeneratorOptions;

  constructor(options: ServerGeneratorOptions) {
    this.#options = options;
  }

  async generate(request: VideoRequest, tell: Tell, signal: AbortSignal): Promise<MadeVideo> {
    const { api, newId, previewEvery } = this.#options;
    const { id } = await api.create({ ...request, previews: previewEvery }, newId());
    return this.resume(id, tell, signal);
  }

  /** Goes on with a video that was asked for before. Throws as `generate` does. */
  async resume(id: string, tell: Tell, signal: AbortSignal): Promise<MadeVideo> {
    const { api, wait } = this.#options;
    tell({ is: "created", id });
    const cancel = () => void api.cancel(id).catch((error: unknown) => tell(noticeOf(error)));
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel, { once: true });
    // The stream goes on after cancelling: its last event tells how the video really ended.
    const following = new AbortController();
    const open = (lastId: string) =>
      api.ask(eventsPath(id), { headers: { "last-event-id": lastId }, signal: following.signal });
    const onLost = () => tell({ is: "notice", sentence: "The connection was lost; the page tries again." });
    try {
      for await (const event of follow({ open, wait, signal: following.signal, onLost }))
        this.#pass(event, tell);
    } finally {
      following.abort();
      signal.removeEventListener("abort", cancel);
    }
    return endOf(await api.video(id));
  }

  #pass(event: ServerEvent, tell: Tell): void {
    const data = JSON.parse(event.data) as EventData;
    if (event.type === "preview" && data.url !== undefined)
      void this.#picture(data.url, data.step ?? 0, tell);
    for (const one of runEventsOf(event.type, data)) tell(one);
  }

  /** A picture that doesn't come is none: the video will. */
  async #picture(url: string, index: number, tell: Tell): Promise<void> {
    const picture = await this.#options.api.file(url).catch(() => undefined);
    if (picture) tell({ is: "preview", index, picture });
  }
}

/** What the page reads of events: docs/events.md. */
interface EventData {
  readonly status?: string;
  readonly progress?: number;
  readonly phase?: string;
  readonly step?: number;
  readonly steps?: number;
  readonly seconds_left?: number;
  readonly queue_position?: number | null;
  readonly eta_seconds?: number | null;
  readonly mode?: string;
  readonly flops?: number;
  readonly full_flops?: number;
  readonly url?: string;
  readonly reason?: { readonly code?: string; readonly message?: string };
}

function runEventsOf(type: string, data: EventData): RunEvent[] {
  switch (type) {
    case "video.started":
      return [{ is: "started" }];
    case "video.requeued":
      return [{ is: "notice", sentence: "Its worker was lost; the video waits to be made again." }];
    case "decision": {
      const { step = 1, mode = "full", flops = 0, full_flops = 0 } = data;
      return [{ is: "step", step: { index: step - 1, mode, flops, full_flops } }];
    }
    case "progress":
      return progressOf(data);
    default:
      return [];
  }
}

function progressOf(data: EventData): RunEvent[] {
  if (data.status === "queued")
    return [
      { is: "queued", position: data.queue_position ?? undefined, etaSeconds: data.eta_seconds ?? undefined },
    ];
  const { phase, step, steps, seconds_left: secondsLeft } = data;
  if (data.status !== "in_progress" || !isPhase(phase)) return [];
  return [
    {
      is: "progress",
      phase,
      share: (data.progress ?? 0) / 100,
      ...(step !== undefined && { step }),
      ...(steps !== undefined && { steps }),
      ...(secondsLeft !== undefined && { secondsLeft }),
    },
  ];
}

function isPhase(phase: string | undefined): phase is Exclude<Phase, "queued" | "download"> {
  return phase === "text" || phase === "denoise" || phase === "decode" || phase === "encode";
}

function endOf(video: Parameters<typeof madeOfApi>[0]): MadeVideo {
  if (video.status === "completed") return madeOfApi(video);
  const {
    code = "server_failed",
    message = "The stream of the video ended before the video did. Open it again.",
  } = video.error ?? {};
  if (code === "cancelled") throw new MixcacheError("aborted", "The video was cancelled.");
  throw new MixcacheError(isErrorCode(code) ? code : "server_failed", message);
}

function noticeOf(error: unknown): RunEvent {
  return {
    is: "notice",
    sentence: `It could not be cancelled: ${error instanceof Error ? error.message : error}`,
  };
}
