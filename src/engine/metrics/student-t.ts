/** Student's t distribution for whole degrees of freedom. */

/**
 * The quantile of Student's t: the value that is not exceeded with this probability.
 * @param probability 0.5 <= probability < 1; the distribution is symmetric
 * @param degrees a whole number of at least 1
 */
export function studentT(probability: number, degrees: number): number {
  const central = 2 * probability - 1;
  // t = √degrees · tan θ maps the half line to θ in 0 .. π/2, which can be halved without a bound to guess.
  let [low, high] = [0, Math.PI / 2];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return Math.sqrt(degrees) * Math.tan(middle);
    if (centralProbability(middle, degrees) < central) low = middle;
    else high = middle;
  }
}

/** P(|T| <= √degrees · tan θ), the finite series of Abramowitz & Stegun, 26.7.3 and 26.7.4. */
function centralProbability(theta: number, degrees: number): number {
  const [sine, cosine] = [Math.sin(theta), Math.cos(theta)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let series = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2;
    series += term;
  }
  return odd ? (2 / Math.PI) * (theta + sine * series) : sine * series;
}
