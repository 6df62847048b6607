/** What queueing theory says of one queue before many servers: what the simulation is held against. */

/**
 * The probability that a job has to wait, of M/M/c (Erlang C).
 * @param servers how many GPUs
 * @param load of each, 0 to 1
 */
export function waitProbability(servers: number, load: number): number {
  const offered = servers * load;
  // Erlang B by its recursion, which stays between 0 and 1 however many servers there are.
  let blocked = 1;
  for (let n = 1; n <= servers; n += 1) blocked = (offered * blocked) / (n + offered * blocked);
  return blocked / (1 - load * (1 - blocked));
}

/**
 * The mean wait, in mean job times: exact where jobs vary exponentially (`variation` 1), and the approximation of Allen
 * and Cunneen for others.
 * @param variation the squared coefficient of variation of job times
 */
export function meanWait(servers: number, load: number, variation = 1): number {
  return (waitProbability(servers, load) / (servers * (1 - load))) * ((1 + variation) / 2);
}
