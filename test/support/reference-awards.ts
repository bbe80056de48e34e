/**
 * The awards of a player in the reference ledger of the model test: one is wagered at a time, each ends in its way, and what
 * was staked or won with the money of one stays of that one. It is written from the rules and imports nothing, so that it
 * shares no mistake with the reducer.
 */

/** The end of the award that runs: the player gives it up, or its workflow looks whether it is wagered or out of time. */
export type AwardStep = { readonly kind: 'award-end'; readonly by: 'wish' | 'clock' };

type Running = {
  readonly id: string;
  left: bigint;
  readonly untilMs: number;
  readonly most: bigint | null;
};

/** Where bonus money of an award is, seen from later: still in play, the player's own, or gone. */
export type Whereabouts = 'in-play' | 'own' | 'gone';

export class ReferenceAwards {
  running: Running | null = null;
  private readonly over = new Map<string, 'own' | 'gone'>();
  /** What has come up, so that the test can ask whether it came up at all. */
  readonly seen: string[] = [];

  /** Bonus money is played with, and wagered, until its award runs out. */
  isLive(nowMs: number): boolean {
    return this.running !== null && this.running.untilMs > nowMs;
  }

  begin(running: Running): void {
    this.running = running;
  }

  end(as: 'own' | 'gone'): void {
    if (this.running) this.over.set(this.running.id, as);
    this.running = null;
  }

  /** What the workflow or the player makes of the award that runs; null where it goes on. */
  verdict({ by }: AwardStep, nowMs: number): 'own' | 'gone' | null {
    if (!this.running) return null;
    if (this.running.left === 0n) return 'own';
    return by === 'wish' || this.running.untilMs <= nowMs ? 'gone' : null;
  }

  /** Of a stake's award, when its win comes: time ends it for wins before anybody has forfeited it. */
  forWin(id: string | null, nowMs: number): Whereabouts {
    if (id === null) return 'own';
    const where = this.isOf(id) && this.running?.left !== 0n && !this.isLive(nowMs) ? 'gone' : this.find(id);
    this.seen.push(`win ${where}`);
    return where;
  }

  /** Of a win's award, when the win is taken back: its bonus money is there until somebody has forfeited it. */
  forUndoneWin(id: string | null): Whereabouts {
    if (id === null) return 'gone';
    const where = this.find(id);
    this.seen.push(`undone win ${where}`);
    if (where !== 'in-play' && this.running) this.seen.push('undone win beside another award');
    return where;
  }

  /** Bonus money of a stake goes back to its own award only, while that is played. */
  takesBack(id: string | null, nowMs: number): boolean {
    return id !== null && this.isOf(id) && this.isLive(nowMs);
  }

  approach(by: bigint, nowMs: number): bigint {
    if (!this.running || !this.isLive(nowMs)) return 0n;
    const moved = by > this.running.left ? this.running.left : by;
    this.running.left -= moved;
    return moved;
  }

  /** What was undone had brought the end of its award nearer, or farther away (negative). */
  recede(id: string | null, by: bigint): void {
    if (!this.running || id === null || !this.isOf(id) || this.running.left === 0n) return;
    this.running.left += by;
    if (this.running.left < 0n) this.running.left = 0n;
  }

  private isOf(id: string): boolean {
    return this.running?.id === id;
  }

  private find(id: string): Whereabouts {
    return this.isOf(id) ? 'in-play' : (this.over.get(id) ?? 'own');
  }
}
