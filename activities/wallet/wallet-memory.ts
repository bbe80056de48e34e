/** What a writer remembers between batches: wallets it has seen lately, and how its clock stands to the database's. */
import { LRUCache } from 'lru-cache';
import { readWallet, writeWallet, type LoadedWallet } from './loaded-wallet.ts';
import type { Execute } from './wallet-rows.ts';

/** Above this share of stale memory a read before each decision costs less than deciding and writing again. */
const staleShareMax = 0.15;
/** So many wallets tell most of what the share is. */
const shareWallets = 256;

/** A fifth is kept ready to decide on, but no more than this, at some 2 kB each; the others as texts, at some 0.4 kB. */
const readyMax = 50_000;

/** The most recently used wallets. A stale one costs a second try, never a wrong write. */
export class WalletCache {
  readonly #ready: LRUCache<string, LoadedWallet>;
  readonly #texts: LRUCache<string, string>;
  #staleShare = 0;

  constructor(sizeMax: number) {
    const ready = Math.min(Math.ceil(sizeMax / 5), readyMax);
    this.#texts = new LRUCache({ max: Math.max(1, sizeMax - ready) });
    this.#ready = new LRUCache({
      max: ready,
      dispose: (wallet, key, reason) => {
        if (reason === 'evict') this.#texts.set(key, writeWallet(wallet));
      },
    });
  }

  get(key: string): LoadedWallet | undefined {
    const ready = this.#ready.get(key);
    if (ready) return ready;
    const text = this.#texts.get(key);
    if (text === undefined) return undefined;
    const wallet = readWallet(text);
    this.put(key, wallet);
    return wallet;
  }

  put(key: string, wallet: LoadedWallet): void {
    this.#texts.delete(key);
    this.#ready.set(key, wallet);
  }

  drop(key: string): void {
    this.#texts.delete(key);
    this.#ready.delete(key);
  }

  /** False while other processes write to the same players so much that memory is to be compared before it is used. */
  get isTrusted(): boolean {
    return this.#staleShare <= staleShareMax;
  }

  /** Takes into account that of so many remembered wallets some had been changed elsewhere. */
  learnStale(remembered: number, stale: number): void {
    if (remembered === 0) return;
    const weight = Math.min(1, remembered / shareWallets);
    this.#staleShare += (stale / remembered - this.#staleShare) * weight;
  }
}

/**
 * The database's clock, carried forward by this process's monotonic one. An answer says between which two instants of
 * this process the database read its clock; what is known narrows with each, so that an answer that came late does not
 * put this clock back.
 */
export class DatabaseClock {
  readonly #execute: Execute;
  #offsetMs: number | null = null;

  constructor(execute: Execute) {
    this.#execute = execute;
  }

  async nowMs(): Promise<number> {
    if (this.#offsetMs === null) {
      const askedAtMs = performance.now();
      this.learn(await readClockMs(this.#execute), askedAtMs);
    }
    return performance.now() + (this.#offsetMs ?? 0);
  }

  /** Takes in what the database's clock said, ms since 1970, to a question of `askedAtMs` of this process (`performance.now()`). */
  learn(nowMs: number, askedAtMs: number): void {
    const least = nowMs - performance.now();
    const most = nowMs - askedAtMs;
    this.#offsetMs = Math.min(Math.max(this.#offsetMs ?? least, least), most);
  }

  forget(): void {
    this.#offsetMs = null;
  }
}

/** The database's clock in milliseconds. */
export async function readClockMs(execute: Execute): Promise<number> {
  const text = 'select extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"';
  const [row] = await execute('wallet-clock', text, []);
  return Number(row?.['nowMs']);
}
