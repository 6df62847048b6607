/** Least squares by orthogonal polynomials: no normal equations, so that high powers cost no digits. */

export interface PolynomialFit {
  /** Highest power first; degree + 1 of them. */
  readonly coefficients: readonly number[];
  /** Least and greatest x. */
  readonly range: readonly [number, number];
  /** Share of the variance of y that the polynomial explains; 1 where y does not vary and is met. */
  readonly r2: number;
}

/** Relative to the first of them, an orthogonal polynomial this small is rounding error. */
const VANISHED = 1e-12;

/**
 * The polynomial of this degree that is nearest to the points (Forsythe 1957, on x moved to −1…1). Where there are
 * fewer different x than it has coefficients, the highest powers are 0.
 */
export function fitPolynomial(
  points: readonly (readonly [x: number, y: number])[],
  degree: number,
): PolynomialFit {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const range = [Math.min(...xs), Math.max(...xs)] as const;
  const middle = (range[0] + range[1]) / 2;
  const half = (range[1] - range[0]) / 2 || 1;
  const ts = xs.map((x) => (x - middle) / half);
  const ofT = orthogonalFit(ts, ys, degree);
  const ofX = substitute(ofT, 1 / half, -middle / half);
  const coefficients = Array.from({ length: degree + 1 }, (_, i) => ofX[degree - i] ?? 0);
  return { coefficients, range, r2: explained(ofT, ts, ys) };
}

/** Powers ascending. */
type Powers = readonly number[];

/** p_{k+1} = (t − a_k) p_k − b_k p_{k−1}, orthogonal on the points; the fit is the sum of y's shares in each. */
function orthogonalFit(ts: readonly number[], ys: readonly number[], degree: number): Powers {
  let fit: Powers = [0];
  let older: Powers = [0];
  let newest: Powers = [1];
  let olderSquares = 1;
  for (let k = 0; k <= degree; k++) {
    const values = ts.map((t) => valueAt(newest, t));
    const squares = sum(values.map((p) => p * p));
    if (squares <= VANISHED * ts.length) break;
    fit = add(fit, newest, sum(values.map((p, i) => p * (ys[i] ?? 0))) / squares);
    const a = sum(values.map((p, i) => (ts[i] ?? 0) * p * p)) / squares;
    const b = k === 0 ? 0 : squares / olderSquares;
    [older, newest] = [newest, add(add([0, ...newest], newest, -a), older, -b)];
    olderSquares = squares;
  }
  return fit;
}

/** p(scale · x + shift) by the powers of x. */
function substitute(powers: Powers, scale: number, shift: number): Powers {
  return powers.reduceRight<Powers>(
    (result, coefficient) => add(add([0, ...result.map((c) => c * scale)], result, shift), [1], coefficient),
    [0],
  );
}

function explained(fit: Powers, ts: readonly number[], ys: readonly number[]): number {
  const mean = sum(ys) / ys.length;
  const left = sum(ys.map((y, i) => (y - valueAt(fit, ts[i] ?? 0)) ** 2));
  const all = sum(ys.map((y) => (y - mean) ** 2));
  return all > 0 ? 1 - left / all : 1;
}

function valueAt(powers: Powers, t: number): number {
  return powers.reduceRight((value, coefficient) => value * t + coefficient, 0);
}

/** a + factor · b */
function add(a: Powers, b: Powers, factor: number): Powers {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + factor * (b[i] ?? 0));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
