/** Does together what is asked for at the same time: one trip to the database for many, and no wait for a lone one. */

/** The most that is done together: whoever comes next waits for no more than that. */
const MOST_TOGETHER = 64;

/** Answers so many, one for each and in their order; one that takes longer than the rest may be a promise. */
export type Together<Ask, Answer> = (asks: readonly Ask[]) => Promise<readonly (Answer | Promise<Answer>)[]>;

interface Waiting<Ask, Answer> {
  readonly ask: Ask;
  readonly resolve: (answer: Answer | Promise<Answer>) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts with what was asked first; what is asked meanwhile is done together, after it. */
export class Gather<Ask, Answer> {
  readonly #together: Together<Ask, Answer>;
  readonly #waiting: Waiting<Ask, Answer>[] = [];
  #atWork = false;

  constructor(together: Together<Ask, Answer>) {
    this.#together = together;
  }

  /** Nothing that was known before is the answer: the work begins after this call. */
  ask(ask: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ask, resolve, reject });
      if (!this.#atWork) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#atWork = true;
    while (this.#waiting.length > 0) await this.#answer(this.#waiting.splice(0, MOST_TOGETHER));
    this.#atWork = false;
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
