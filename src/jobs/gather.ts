/** Does together what is asked for at the same time: one trip to the database for many, and no wait for a lone one. */

/** The most that is done together: whoever comes next waits for no more than that. */
const MOST_TOGETHER = 64;
/** How long the first of many waits for the others: less than a round of many takes. */
const MOMENT_MS = 2;

/** Answers so many, one for each and in their order; one that takes longer than the rest may be a promise. */
export type Together<Ask, Answer> = (asks: readonly Ask[]) => Promise<readonly (Answer | Promise<Answer>)[]>;

interface Waiting<Ask, Answer> {
  readonly ask: Ask;
  readonly resolve: (answer: Answer | Promise<Answer>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What is asked during a round is done together in the next. Those who were answered together ask again together: the
 * first of them waits a moment for as many as there were, or it would go alone and make the others wait for it.
 */
export class Gather<Ask, Answer> {
  readonly #together: Together<Ask, Answer>;
  readonly #waiting: Waiting<Ask, Answer>[] = [];
  #atWork = false;
  /** How many there were in the last round. */
  #expected = 1;
  #arrived = () => {};

  constructor(together: Together<Ask, Answer>) {
    this.#together = together;
  }

  /** Nothing that was known before is the answer: the work begins after this call. */
  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ask, resolve, reject });
      if (this.#atWork) this.#arrived();
      else void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#atWork = true;
    while (this.#waiting.length > 0) {
      if (this.#waiting.length < this.#expected) await this.#company();
      const round = this.#waiting.splice(0, MOST_TOGETHER);
      this.#expected = round.length;
      await this.#answer(round);
    }
    this.#atWork = false;
  }

  /** Resolves when as many wait as are expected, or after a moment. */
  #company(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#arrived = () => {};
        resolve();
      };
      const timer = setTimeout(done, MOMENT_MS);
      this.#arrived = () => {
        if (this.#waiting.length >= this.#expected) done();
      };
    });
  }

  async #answer(waiting: readonly Waiting<Ask, Answer>[]): Promise<void> {
    try {
      const answers = await this.#together(waiting.map(({ ask }) => ask));
      for (const [index, answer] of answers.entries()) waiting[index]?.resolve(answer);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
