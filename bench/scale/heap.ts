/** What is to happen, the earliest first: a binary heap. */

interface Timed {
  readonly at: number;
}

/** A queue by time. Things of one moment come in any order. */
export class Agenda<Event extends Timed> {
  readonly #heap: Event[] = [];

  add(event: Event): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (!parent || parent.at <= event.at) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = event;
  }

  /** The earliest, which is taken out. */
  next(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const right = left + 1;
      const l = heap[left];
      if (!l) break;
      const r = heap[right];
      const [child, below] = r && r.at < l.at ? [r, right] : [l, left];
      if (child.at >= last.at) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
    return first;
  }
}
