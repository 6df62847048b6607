/**
 * Videos that arrive at random, one queue, and GPUs that make one at a time: a fixed number of them, or as many as the
 * scale number asks for. Spot machines are taken back in the middle of a video, which is then made again.
 *
 * The service's own rules: the first in the queue first; every tick asks for
 * `min(max, busy + min(queued, ceil(backlog / target wait)))`, less who is idle or starting; a worker that was idle for as
 * long as its own start took ends.
 */

import { Agenda } from "./heap.ts";

export interface Fleet {
  /** The most GPUs. */
  readonly gpus: number;
  /** Videos in a second, on average; they arrive independently of each other. */
  readonly arrivalsPerSecond: number;
  /** Draws the GPU time of a video, in seconds. */
  readonly jobSeconds: (random: () => number) => number;
  /** Absent: all GPUs are there all the time. */
  readonly scaling?: {
    readonly meanJobSeconds: number;
    readonly targetWaitSeconds: number;
    readonly tickSeconds: number;
  };
  /** Draws the time from asking for a worker to where it takes videos, in seconds. */
  readonly startSeconds: (random: () => number) => number;
  /** Of each GPU, in a second. In a fixed fleet another one is started at once. */
  readonly lossesPerSecond: number;
  /** How long it takes until a video that was lost waits again, in seconds. */
  readonly handBackSeconds: number;
  /** How many videos are made; the first fifth, in which the fleet finds its size, does not count. */
  readonly videos: number;
  readonly random: () => number;
}

export interface Outcome {
  /** Of each video that counts: from its arrival to its end, less its GPU time, in seconds. */
  readonly waits: readonly number[];
  /** GPU time of the videos that count over all the GPU time that was paid for meanwhile. */
  readonly utilisation: number;
  /** GPUs that were paid for, on average. */
  readonly gpus: number;
  /** GPU seconds that were paid for, for each video. */
  readonly gpuSecondsPerVideo: number;
  /** Attempts that a loss ended, of all. */
  readonly lostAttempts: number;
}

interface Video {
  readonly arrivedAt: number;
  readonly seconds: number;
}

interface Worker {
  readonly startSeconds: number;
  video?: Video | undefined;
  state: "starting" | "idle" | "busy" | "gone";
  /** Changes with the state, so that what was planned for another one is left. */
  turn: number;
}

type Event =
  | { readonly at: number; readonly what: "arrival" | "tick" }
  | { readonly at: number; readonly what: "back"; readonly video: Video }
  | {
      readonly at: number;
      readonly what: "ready" | "done" | "retire";
      readonly worker: Worker;
      readonly turn: number;
    }
  | { readonly at: number; readonly what: "lost"; readonly worker: Worker };

/** Runs a fleet until it has made its videos. The same seed gives the same outcome. */
export function simulate(fleet: Fleet): Outcome {
  return new Simulation(fleet).run();
}

class Simulation {
  readonly #fleet: Fleet;
  readonly #agenda = new Agenda<Event>();
  readonly #queue = new Line();
  readonly #idle: Worker[] = [];
  #now = 0;
  #busy = 0;
  #starting = 0;
  #attempts = 0;
  #lost = 0;
  #made = 0;
  /** GPU seconds paid for until `#paidAt`. */
  #paid = 0;
  #paidAt = 0;
  #useful = 0;
  readonly #waits: number[] = [];
  #countedFrom = { at: 0, paid: 0, useful: 0 };

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  run(): Outcome {
    const { gpus, videos, scaling } = this.#fleet;
    // A scaled fleet begins with what its work needs, so that finding its size does not take the whole run.
    const first = scaling ? Math.ceil(this.#fleet.arrivalsPerSecond * scaling.meanJobSeconds) : gpus;
    for (let i = 0; i < Math.min(first, gpus); i += 1) this.#start({ isThere: true });
    this.#agenda.add({ at: this.#until(this.#fleet.arrivalsPerSecond), what: "arrival" });
    if (scaling) this.#agenda.add({ at: scaling.tickSeconds, what: "tick" });
    const uncounted = Math.floor(videos / 5);
    while (this.#made < videos) {
      const event = this.#agenda.next();
      if (!event) break;
      this.#pay(event.at);
      const before = this.#made;
      this.#happen(event);
      if (before < uncounted && this.#made >= uncounted) {
        this.#countedFrom = { at: this.#now, paid: this.#paid, useful: this.#useful };
        this.#waits.length = 0;
      }
    }
    return this.#outcome();
  }

  #happen(event: Event): void {
    switch (event.what) {
      case "arrival":
        this.#agenda.add({ at: this.#now + this.#until(this.#fleet.arrivalsPerSecond), what: "arrival" });
        this.#queue.add({ arrivedAt: this.#now, seconds: this.#fleet.jobSeconds(this.#fleet.random) });
        break;
      case "back":
        this.#queue.addFirst(event.video);
        break;
      case "tick":
        this.#tick();
        break;
      case "lost":
        this.#lose(event.worker);
        break;
      default:
        if (event.worker.turn === event.turn) this.#go(event.what, event.worker);
    }
    this.#dispatch();
  }

  /** A worker's own next step, which nothing came before. */
  #go(what: "ready" | "done" | "retire", worker: Worker): void {
    if (what === "retire") {
      this.#end(worker);
      return;
    }
    if (what === "ready") this.#starting -= 1;
    else this.#finish(worker);
    this.#rest(worker);
  }

  /** What the service does every minute. */
  #tick(): void {
    const { scaling, gpus } = this.#fleet;
    if (!scaling) return;
    const queued = this.#queue.length;
    const backlog = queued * scaling.meanJobSeconds;
    const wanted = Math.min(
      gpus,
      this.#busy + Math.min(queued, Math.ceil(backlog / scaling.targetWaitSeconds)),
    );
    const missing = wanted - this.#busy - this.#idle.length - this.#starting;
    for (let i = 0; i < missing; i += 1) this.#start();
    this.#agenda.add({ at: this.#now + scaling.tickSeconds, what: "tick" });
  }

  #start({ isThere = false } = {}): void {
    const startSeconds = this.#fleet.startSeconds(this.#fleet.random);
    const worker: Worker = { startSeconds, state: "starting", turn: 0 };
    this.#starting += 1;
    this.#agenda.add({ at: this.#now + (isThere ? 0 : startSeconds), what: "ready", worker, turn: 0 });
    const { lossesPerSecond } = this.#fleet;
    if (lossesPerSecond > 0)
      this.#agenda.add({ at: this.#now + this.#until(lossesPerSecond), what: "lost", worker });
  }

  #rest(worker: Worker): void {
    worker.state = "idle";
    worker.turn += 1;
    this.#idle.push(worker);
    if (this.#fleet.scaling)
      this.#agenda.add({
        at: this.#now + worker.startSeconds,
        what: "retire",
        worker,
        turn: worker.turn,
      });
  }

  /** Gives the first in the queue to any of those who are idle, as long as there are both. */
  #dispatch(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const worker = this.#takeIdle(Math.floor(this.#fleet.random() * this.#idle.length));
      const video = this.#queue.next();
      if (!worker || !video) return;
      worker.state = "busy";
      worker.turn += 1;
      worker.video = video;
      this.#busy += 1;
      this.#attempts += 1;
      this.#agenda.add({ at: this.#now + video.seconds, what: "done", worker, turn: worker.turn });
    }
  }

  #takeIdle(place: number): Worker | undefined {
    const worker = this.#idle[place];
    const last = this.#idle.pop();
    if (last && worker !== last) this.#idle[place] = last;
    return worker;
  }

  #finish(worker: Worker): void {
    const { video } = worker;
    if (!video) return;
    this.#busy -= 1;
    this.#made += 1;
    this.#useful += video.seconds;
    this.#waits.push(this.#now - video.arrivedAt - video.seconds);
    worker.video = undefined;
  }

  #lose(worker: Worker): void {
    if (worker.state === "gone") return;
    if (worker.state === "starting") this.#starting -= 1;
    if (worker.video) {
      this.#busy -= 1;
      this.#lost += 1;
      this.#agenda.add({ at: this.#now + this.#fleet.handBackSeconds, what: "back", video: worker.video });
    }
    this.#end(worker);
    if (!this.#fleet.scaling) this.#start();
  }

  #end(worker: Worker): void {
    if (worker.state === "idle") this.#takeIdle(this.#idle.indexOf(worker));
    worker.state = "gone";
    worker.turn += 1;
    worker.video = undefined;
  }

  /** Whoever starts, works or waits is paid for. */
  #pay(until: number): void {
    const held = this.#busy + this.#idle.length + this.#starting;
    this.#paid += held * (until - this.#paidAt);
    this.#paidAt = until;
    this.#now = until;
  }

  /** The time until something that happens at a rate, in seconds. */
  #until(perSecond: number): number {
    return -Math.log(1 - this.#fleet.random()) / perSecond;
  }

  #outcome(): Outcome {
    const paid = this.#paid - this.#countedFrom.paid;
    return {
      waits: this.#waits,
      utilisation: (this.#useful - this.#countedFrom.useful) / paid,
      gpus: paid / (this.#now - this.#countedFrom.at),
      gpuSecondsPerVideo: paid / this.#waits.length,
      lostAttempts: this.#lost / this.#attempts,
    };
  }
}

/** The queue: the first that came is the first that goes, but for what was handed back. */
class Line {
  #videos: Video[] = [];
  #first = 0;

  get length(): number {
    return this.#videos.length - this.#first;
  }

  add(video: Video): void {
    this.#videos.push(video);
  }

  addFirst(video: Video): void {
    if (this.#first > 0) {
      this.#first -= 1;
      this.#videos[this.#first] = video;
    } else this.#videos.unshift(video);
  }

  next(): Video | undefined {
    const video = this.#videos[this.#first];
    if (this.length > 0) this.#first += 1;
    // What is behind us is given up now and then, so that it does not grow for ever.
    if (this.#first > 1024 && this.#first * 2 > this.#videos.length) {
      this.#videos = this.#videos.slice(this.#first);
      this.#first = 0;
    }
    return video;
  }
}
