/** What a connector must tell of disputes and of the day's money, and how it answers for us, once. */
import { expect } from 'vitest';
import type { DisputeOutcome } from '#domain/payments/dispute-state.ts';
import { stepDispute } from '#domain/payments/dispute-state.ts';
import { booked, chargeOrder, disputeNoticesOf, shown, type Scenario } from './psp-orders.ts';
import { closedAddress, type PspRig } from './psp-rig.ts';

const parts = (rig: PspRig) => {
  const known = rig.connector.disputes;
  if (known === undefined) throw new Error('expected a connector that speaks of disputes');
  return known;
};

/** A charge of 12.34 EUR that its cardholder disputes; the PSP's names of both. */
async function disputed(rig: PspRig): Promise<{ id: string; charge: string; reference: string }> {
  const order = await chargeOrder(rig, '4242424242424242');
  const outcome = await rig.connector.authorise(order);
  expect(shown(outcome)).toBe('approved');
  const { id } = await rig.order<{ id: string }>('/_scenario/disputes', { payment: order.reference });
  const charge = 'pspReference' in outcome ? (outcome.pspReference ?? '') : '';
  return { id, charge, reference: order.reference };
}

const step = (rig: PspRig, id: string, name: string) =>
  rig.order(`/_scenario/disputes/${id}`, { step: name });

/** Asks until it stands at `place`, with the notices that have come by then. */
async function standing(rig: PspRig, id: string, place: string): Promise<DisputeOutcome> {
  const deadline = Date.now() + 8_000;
  for (;;) {
    const evidence = disputeNoticesOf(rig, id).map(({ body }) => body);
    const told = await parts(rig).dispute({ pspReference: id, evidence });
    if ((told.kind === 'told' && `${told.stage} ${told.status}` === place) || Date.now() > deadline)
      return told;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

const placed = (told: DisputeOutcome): string =>
  told.kind === 'told' ? `${told.stage} ${told.status}` : told.kind;
const moved = (told: DisputeOutcome): string[] =>
  told.kind === 'told' ? told.movements.map(({ kind, money }) => `${kind} ${money.amount}`) : [];

const responsesOf = async (rig: PspRig, id: string): Promise<number> =>
  (await rig.disputes()).find((one) => one.id === id)?.responses ?? -1;

export const disputeScenarios: readonly Scenario[] = [
  {
    name: 'a chargeback is told by its notice with both names, and asked about with deadline, amount and what was taken',
    async run(rig) {
      const { id, charge } = await disputed(rig);
      const told = await standing(rig, id, 'chargeback needs-response');
      expect(placed(told)).toBe('chargeback needs-response');
      expect(told).toMatchObject({ money: { amount: '12.34', asset: 'EUR' } });
      await expect
        .poll(async () => moved(await standing(rig, id, 'chargeback needs-response')))
        .toEqual(['withdrawn 12.34']);
      const dueMs = told.kind === 'told' ? Date.parse(told.evidenceDueAt ?? '') : Number.NaN;
      expect(dueMs).toBeGreaterThan(Date.now() + 13 * 86_400_000);
      await expect
        .poll(() => disputeNoticesOf(rig, id)[0]?.dispute)
        .toEqual({ pspReference: id, chargeReference: charge });
    },
  },
  {
    name: 'evidence is submitted once, also where it is sent again, and the dispute is then under review',
    async run(rig) {
      const { id } = await disputed(rig);
      await standing(rig, id, 'chargeback needs-response');
      const order = { pspReference: id, key: `dispute:${id}:1` };
      const text = 'The player was signed in from his own device.';
      expect(await parts(rig).submitEvidence(order, text)).toEqual({ kind: 'taken' });
      expect(await parts(rig).submitEvidence(order, text)).toEqual({ kind: 'taken' });
      expect(await responsesOf(rig, id)).toBe(1);
      expect(placed(await standing(rig, id, 'chargeback under-review'))).toBe('chargeback under-review');
    },
  },
  {
    name: 'a dispute that was won gives the money back, and a second chargeback takes it again',
    async run(rig) {
      const { id } = await disputed(rig);
      await standing(rig, id, 'chargeback needs-response');
      await step(rig, id, 'win');
      await expect
        .poll(async () => moved(await standing(rig, id, 'chargeback won')))
        .toEqual(['withdrawn 12.34', 'reinstated 12.34']);
      await step(rig, id, 'second');
      const again = await standing(rig, id, 'second-chargeback needs-response');
      expect(placed(again)).toBe('second-chargeback needs-response');
      // Twice away; what came back between may be left out, because taking and giving back alternate.
      await expect
        .poll(async () =>
          moved(await standing(rig, id, 'second-chargeback needs-response')).filter((one) =>
            one.startsWith('withdrawn'),
          ),
        )
        .toHaveLength(2);
    },
  },
  {
    name: 'a dispute that was lost, given in to or left to expire keeps the money away',
    async run(rig) {
      const lost = await disputed(rig);
      await standing(rig, lost.id, 'chargeback needs-response');
      await step(rig, lost.id, 'lose');
      expect(placed(await standing(rig, lost.id, 'chargeback lost'))).toBe('chargeback lost');
      const given = await disputed(rig);
      await standing(rig, given.id, 'chargeback needs-response');
      const order = { pspReference: given.id, key: `dispute:${given.id}:2` };
      expect(await parts(rig).acceptDispute(order)).toEqual({ kind: 'taken' });
      expect(await parts(rig).acceptDispute(order)).toEqual({ kind: 'taken' });
      expect(placed(await standing(rig, given.id, 'chargeback lost'))).toBe('chargeback lost');
      const expired = await disputed(rig);
      await standing(rig, expired.id, 'chargeback needs-response');
      await step(rig, expired.id, 'expire');
      const told = await standing(rig, expired.id, 'chargeback lost');
      expect([placed(told), ...moved(told)]).toEqual(['chargeback lost', 'withdrawn 12.34']);
    },
  },
  {
    name: 'an old word about a dispute never moves it back, and one that cannot be asked about proves nothing',
    async run(rig) {
      const { id } = await disputed(rig);
      const early = await standing(rig, id, 'chargeback needs-response');
      await step(rig, id, 'win');
      const late = await standing(rig, id, 'chargeback won');
      if (early.kind !== 'told' || late.kind !== 'told') throw new Error('expected to be told');
      expect(stepDispute(late, early).place).toMatchObject({ stage: 'chargeback', status: 'won' });
      const dead = parts({ ...rig, connector: rig.connectTo(await closedAddress()) });
      const asked = await dead.dispute({ pspReference: id, evidence: [] });
      expect(asked.kind).toBe('unknown');
      const answer = await dead.submitEvidence(
        { pspReference: id, key: 'dispute:dead' },
        'Long enough a text.',
      );
      expect(['not_sent', 'unknown']).toContain(answer.kind);
    },
  },
  {
    name: 'the file of the day tells each movement once, by names that our books know, with its fee',
    async run(rig) {
      const { id, charge, reference } = await disputed(rig);
      expect(await booked(rig, 'charge', reference)).toBe(1);
      const settlement = rig.connector.settlement;
      if (settlement === undefined) throw new Error('expected a connector with settlement files');
      const file = await settlement.settlementFile(new Date().toISOString().slice(0, 10));
      if (file.kind !== 'file') throw new Error(`expected a file, got ${file.reason}`);
      const lines = await Array.fromAsync(settlement.parseSettlement(file.content));
      const cent = 10n ** 10n;
      expect(lines.find((line) => line.kind === 'charge' && line.pspReference === charge)).toMatchObject({
        asset: 'EUR',
        gross: 1_234n * cent,
        fee: 42n * cent,
      });
      const dispute = lines.find(
        (line) => line.kind === 'dispute' && [id, charge].includes(line.pspReference),
      );
      expect(dispute).toMatchObject({ gross: -1_234n * cent, fee: 1_500n * cent });
      const keys = lines
        .filter(({ pspReference }) => [id, charge].includes(pspReference))
        .map(({ naturalKey }) => naturalKey);
      expect(keys).toHaveLength(2);
      expect(new Set(keys).size).toBe(keys.length);
      // The same bytes are the same lines, and bytes that end in the middle of a line are none at all.
      expect(await Array.fromAsync(settlement.parseSettlement(file.content))).toEqual(lines);
      const cut = file.content.slice(0, file.content.lastIndexOf(',', file.content.length - 40));
      const refusalOf = (content: string) =>
        Array.fromAsync(settlement.parseSettlement(content)).then(() => 'it was read', String);
      expect(await refusalOf(cut)).toMatch(/wider or narrower|no column|cannot be read/);
      expect(await refusalOf('a,b\r\n1,2\r\n')).toMatch(/no column/);
    },
  },
];
