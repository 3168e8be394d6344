/** What was not asked for, not paid and not waited for. */
export class Savings {
  /** Upstream calls. */
  requests = 0;
  promptTokens = 0;
  completionTokens = 0;
  /** US dollars, for the models whose price is known. */
  usd = 0;
  /** Milliseconds that the calls would have taken. */
  upstreamMs = 0;

  /** Adds what was spared elsewhere. */
  add(other: Readonly<Savings>): void {
    this.requests += other.requests;
    this.promptTokens += other.promptTokens;
    this.completionTokens += other.completionTokens;
    this.usd += other.usd;
    this.upstreamMs += other.upstreamMs;
  }
}
