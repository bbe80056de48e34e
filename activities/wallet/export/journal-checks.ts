/** What is checked of each exported journal as it passes: balance, totals, and its place in the players' chains. */
import { createHash } from 'node:crypto';
import { chainText } from '#domain/wallet/chain.ts';
import type { JournalLine, WalletLine } from '#domain/wallet/export.schema.ts';

export type Finding = { readonly place: number; readonly says: string };

export type JournalChecks = {
  /** `place` is the journal's number in ledger order, from 0. */
  take(journal: JournalLine, place: number): void;
  /** After the last journal: what is off in sums and chains. */
  finish(): void;
  takeWallet(wallet: WalletLine): void;
  /** After the last wallet. */
  finishWallets(): void;
  readonly balances: Finding[];
  readonly totals: Finding[];
  readonly chains: Finding[];
  readonly projections: Finding[];
  readonly entries: number;
  readonly accounts: number;
};

type Link = {
  readonly journalId: string;
  readonly place: number;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly hash: string;
};
type Chain = {
  seq: bigint;
  balance: bigint;
  hash: string;
  waiting: Map<bigint, Link> | null;
  isBroken: boolean;
};

/** More would not tell more. */
const findingsMax = 20;
const atEnd = Number.MAX_SAFE_INTEGER;

export function createJournalChecks(): JournalChecks {
  const chains = new Map<string, Chain>();
  const totals = new Map<string, bigint>();
  const [balanceFindings, totalFindings, chainFindings, projectionFindings]: Finding[][] = [[], [], [], []];
  const found = {
    balances: balanceFindings ?? [],
    totals: totalFindings ?? [],
    chains: chainFindings ?? [],
    projections: projectionFindings ?? [],
  };
  const seen = new Set<string>();
  let entries = 0;

  const add = (list: Finding[], place: number, says: string) => {
    if (list.length < findingsMax) list.push({ place, says });
  };

  const checkBalance = (journal: JournalLine, place: number) => {
    const sums = new Map<string, bigint>();
    for (const { asset, amount } of journal.entries)
      sums.set(asset, (sums.get(asset) ?? 0n) + BigInt(amount));
    for (const [asset, sum] of sums) {
      totals.set(asset, (totals.get(asset) ?? 0n) + sum);
      if (sum !== 0n) add(found.balances, place, `journal ${journal.id} is off by ${sum} units of ${asset}`);
    }
  };

  /** Extends the chain by `link` when it is next; a transaction may be logged before one that committed earlier. */
  const extend = (name: string, chain: Chain, seq: bigint, link: Link): void => {
    const [playerId = '', asset = '', account = ''] = name.split('/');
    const where = `entry ${seq} of ${name} (journal ${link.journalId})`;
    const facts = {
      journalId: link.journalId,
      playerId,
      asset,
      account,
      seq,
      amount: link.amount,
      balanceAfter: link.balanceAfter,
    };
    const expected = createHash('sha256').update(chainText(chain.hash, facts)).digest('hex');
    if (chain.balance + link.amount !== link.balanceAfter) {
      add(
        found.chains,
        link.place,
        `${where} says ${link.balanceAfter}, the entries say ${chain.balance + link.amount}`,
      );
      chain.isBroken = true;
    } else if (expected !== link.hash && !chain.isBroken) {
      add(found.chains, link.place, `${where} does not have the hash of its content`);
    }
    Object.assign(chain, { seq, balance: link.balanceAfter, hash: link.hash, isBroken: false });
  };

  return {
    take(journal, place) {
      checkBalance(journal, place);
      for (const entry of journal.entries) {
        entries += 1;
        const { playerId, seq: seqText, balanceAfter, hash } = entry;
        if (playerId === undefined) continue;
        if (seqText === undefined || balanceAfter === undefined || hash === undefined) {
          add(found.chains, place, `journal ${journal.id} has a player’s entry outside any chain`);
          continue;
        }
        const name = `${playerId}/${entry.asset}/${entry.account}`;
        const chain = chains.get(name) ?? { seq: 0n, balance: 0n, hash: '', waiting: null, isBroken: false };
        chains.set(name, chain);
        const seq = BigInt(seqText);
        const link = {
          journalId: journal.id,
          place,
          amount: BigInt(entry.amount),
          balanceAfter: BigInt(balanceAfter),
          hash,
        };
        if (seq <= chain.seq || chain.waiting?.has(seq)) {
          add(found.chains, place, `entry ${seq} of ${name} (journal ${journal.id}) is there twice`);
          continue;
        }
        (chain.waiting ??= new Map()).set(seq, link);
        for (let next = chain.waiting.get(chain.seq + 1n); next; next = chain.waiting.get(chain.seq + 1n)) {
          chain.waiting.delete(chain.seq + 1n);
          extend(name, chain, chain.seq + 1n, next);
        }
        if (chain.waiting.size === 0) chain.waiting = null;
      }
    },
    finish() {
      for (const [asset, total] of totals)
        if (total !== 0n) add(found.totals, atEnd, `${asset} sums to ${total} units`);
      for (const [name, chain] of chains) {
        const [first] = [...(chain.waiting ?? [])].toSorted(([left], [right]) => (left < right ? -1 : 1));
        if (first) {
          const [seq, link] = first;
          add(
            found.chains,
            link.place,
            `entry ${seq} of ${name} (journal ${link.journalId}) follows ${chain.seq}`,
          );
        }
      }
      found.chains.sort((left, right) => left.place - right.place);
    },
    takeWallet({ playerId, asset, pools }) {
      for (const [account, pool] of Object.entries(pools)) {
        const name = `${playerId}/${asset}/${account}`;
        seen.add(name);
        const end = chains.get(name);
        if (BigInt(pool.balance) !== (end?.balance ?? 0n))
          add(
            found.projections,
            atEnd,
            `${name} shows ${pool.balance}, its entries sum to ${end?.balance ?? 0n}`,
          );
        else if (BigInt(pool.seq) !== (end?.seq ?? 0n))
          add(found.projections, atEnd, `${name} is at ${pool.seq}, its last entry is ${end?.seq ?? 0n}`);
        else if (pool.head !== (end?.hash ?? ''))
          add(found.projections, atEnd, `${name} has a head that is not its last hash`);
      }
    },
    finishWallets() {
      for (const name of chains.keys()) {
        if (!seen.has(name)) add(found.projections, atEnd, `${name} has entries and no wallet`);
      }
    },
    ...found,
    get entries() {
      return entries;
    },
    get accounts() {
      return chains.size;
    },
  };
}
