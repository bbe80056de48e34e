/** The acts of the demo: each drives one part of a player's money life through the public API and says what must hold. */
import { randomUUID } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { signInOperator, type Cast } from './cast.ts';
import { day, readStanding, units, type Standing } from './figures.ts';
import { callJson, eventually, submitForm, type Call, type Json } from './http.ts';
import { chapter, hold, tell } from './timeline.ts';

export type Player = { readonly id: string; readonly call: (path: string, call?: Call) => Promise<Json> };

const brand = 'aurora';
const stake = { wire: 100_000, euro: '1.00' };

export async function register(cast: Cast): Promise<Player> {
  chapter('1. Registration');
  const email = `player-${randomUUID().slice(0, 8)}@example.test`;
  const password = `correct horse ${randomUUID().slice(0, 8)}`;
  const shop = await callJson(`${cast.api}/v1/brands/${brand}`);
  const body = {
    brand,
    jurisdiction: 'MT',
    email,
    password,
    firstName: 'Ada',
    lastName: 'Example',
    dateOfBirth: '1990-05-17',
    country: 'MT',
    currency: 'EUR',
    termsVersion: shop.terms.version,
  };
  const key = randomUUID();
  const created = await callJson(`${cast.api}/v1/players`, { body, idempotencyKey: key });
  const again = await callJson(`${cast.api}/v1/players`, { body, idempotencyKey: key });
  hold('a repeated registration is the same player', created.playerId === again.playerId, again);
  const taken = await callJson(`${cast.api}/v1/players`, {
    body,
    idempotencyKey: randomUUID(),
    expect: [409],
  });
  hold('an address is taken once per brand', taken.code === 'email-taken', taken);
  tell(`registered with ${brand} under MT`, `registration:${created.playerId}`);

  const link = await eventually('the verification mail', async () => {
    const { messages } = asMessages(
      await callJson(`${cast.sandbox.mailbox}/messages?to=${encodeURIComponent(email)}`),
    );
    return messages[0]?.links.find((candidate: string) => candidate.includes('verify-email'));
  });
  const token = new URL(link).searchParams.get('token');
  await callJson(`${cast.api}/v1/players/verify-email`, { body: { token } });
  tell('address verified by the link that arrived over SMTP');

  const session = await callJson(`${cast.api}/v1/sessions`, { body: { brand, email, password } });
  tell('signed in; device and address of the sign-in are recorded');
  return {
    id: created.playerId,
    call: (path, call = {}) => callJson(`${cast.api}${path}`, { ...call, token: session.token }),
  };
}

const asMessages = (answer: Json): { messages: Json[] } =>
  Array.isArray(answer) ? { messages: answer } : answer;

export async function protect(player: Player): Promise<void> {
  chapter('2. Limit and identity');
  const limit = { kind: 'deposit', window: 'day', money: { amount: '500.00', asset: 'EUR' } };
  await player.call('/v1/limits', { body: limit, idempotencyKey: randomUUID() });
  tell('deposit limit of 500 EUR a day, before the first deposit');

  const opened = await player.call('/v1/kyc/verifications', {
    body: { level: 'L1' },
    idempotencyKey: randomUUID(),
  });
  tell('identity check opened at the vendor', `verification:${opened.verificationId}`);
  const page = await submitForm(opened.verifyUrl, {
    firstName: 'Ada',
    lastName: 'Example',
    dob: '1990-05-17',
    documentNumber: 'P7654321',
    document: 'passport.jpg',
    country: 'MLT',
  });
  if (page.status >= 400) throw new Error(`The vendor's page answered ${page.status}.`);
  const done = await eventually('the identity check', async () => {
    const seen = await player.call(`/v1/kyc/verifications/${opened.verificationId}`);
    return seen.state === 'approved' ? seen : null;
  });
  hold('the signed webhook of the vendor grants the level', done.state === 'approved', done);
}

async function tokenise(cast: Cast): Promise<{ psp: string; token: string }[]> {
  // The browser hands the card to the PSPs; we only ever see what they call it.
  const card = { number: '4000000000003220', exp_month: '12', exp_year: '2031', cvc: '123' };
  const fields = new URLSearchParams({
    type: 'card',
    ...Object.fromEntries(Object.entries(card).map(([k, v]) => [`card[${k}]`, v])),
  });
  const alpha = await fetch(`${cast.sandbox.pspAlpha}/v1/payment_methods`, {
    method: 'POST',
    headers: { authorization: `Bearer ${cast.pspKeys.alpha}` },
    body: fields,
  });
  return [{ psp: 'alpha', token: ((await alpha.json()) as { id: string }).id }];
}

async function tokeniseBeta(cast: Cast, player: Player): Promise<{ psp: string; token: string }> {
  const answer = await callJson(`${cast.sandbox.pspBeta}/checkout/v71/storedPaymentMethods`, {
    headers: { 'x-api-key': cast.pspKeys.beta },
    body: {
      merchantAccount: 'PitbossSandbox',
      shopperReference: player.id,
      recurringProcessingModel: 'CardOnFile',
      paymentMethod: {
        type: 'scheme',
        number: '4000000000003220',
        expiryMonth: '12',
        expiryYear: '2031',
        cvc: '123',
        holderName: 'A Example',
      },
    },
  });
  return { psp: 'beta', token: answer.id ?? answer.storedPaymentMethodId };
}

export type BegunDeposit = {
  readonly depositId: string;
  readonly challengeUrl: string;
  readonly repeat: () => Promise<Json>;
};

/** Asks for 200 EUR; the answer of the first call is already the challenge to pass. */
export async function beginDeposit(cast: Cast, player: Player): Promise<BegunDeposit> {
  const tokens = [...(await tokenise(cast)), await tokeniseBeta(cast, player)];
  const request = {
    body: {
      money: { amount: '200.00', asset: 'EUR' },
      instrument: { kind: 'card', tokens },
      returnUrl: `${cast.api}/docs`,
    },
    idempotencyKey: randomUUID(),
  };
  const begun = await player.call('/v1/deposits', request);
  tell(
    `deposit of 200 EUR: ${begun.state}, next action ${begun.nextAction.type}`,
    `deposit:${begun.depositId}`,
  );
  hold('the first call is answered with the next action', begun.nextAction.type === 'redirect', begun);
  return {
    depositId: begun.depositId,
    challengeUrl: begun.nextAction.url,
    repeat: () => player.call('/v1/deposits', request),
  };
}

export async function deposit(cast: Cast, player: Player): Promise<void> {
  chapter('3. Deposit: technical decline at PSP alpha, cascade to PSP beta, 3-D Secure, webhook twice');
  await callJson(`${cast.sandbox.pspAlpha}/_scenario`, {
    method: 'PUT',
    body: { mode: 'technical_decline' },
  });
  await callJson(`${cast.sandbox.pspBeta}/_scenario`, { method: 'PUT', body: { webhook: { copies: 2 } } });
  const begun = await beginDeposit(cast, player);
  await passChallenge(begun.challengeUrl);
  tell('challenge passed on the PSP’s page, browser sent back');
  await awaitCapture(player, begun.depositId);
  const repeated = await begun.repeat();
  hold('a repeat with the same key is the same deposit', repeated.depositId === begun.depositId, repeated);
  const balance = await balanceOf(player);
  hold('money is credited once', balance.cash === '200.00', balance);
}

export const awaitCapture = (player: Player, depositId: string): Promise<Json> =>
  eventually('the capture', async () => {
    const seen = await player.call(`/v1/deposits/${depositId}`);
    return seen.state === 'captured' ? seen : null;
  });

export const balanceOf = async (player: Player): Promise<Json> =>
  (await player.call('/v1/players/me/balances')).items[0];

/** Follows the challenge as a browser does: page, form, and the way back to the shop. */
export async function passChallenge(url: string): Promise<void> {
  const page = await fetch(url, { redirect: 'follow' });
  if (!page.ok) throw new Error(`The challenge page answered ${page.status}.`);
  const answer = await submitForm(page.url, { outcome: 'pass' });
  const back = answer.headers.get('location');
  if (back) await fetch(new URL(back, page.url), { redirect: 'manual' });
}

/** A sitting at the studio's slot; the studio knows it by the session of its address. */
export async function launchGame(
  cast: Cast,
  player: Player,
): Promise<{ readonly url: string; readonly session: string | null }> {
  const { launchUrl: url } = await player.call('/v1/game-sessions', {
    body: {
      game: 'pbs_dragonvault',
      asset: 'EUR',
      lobbyUrl: `${cast.api}/docs`,
      depositUrl: `${cast.api}/docs`,
    },
  });
  return { url, session: new URL(url).searchParams.get('session') };
}

export async function play(cast: Cast, player: Player, rounds = 100): Promise<Json> {
  chapter(`4. Game: ${rounds} rounds over signed Hub88 calls`);
  const { url, session } = await launchGame(cast, player);
  tell(`launched pbs_dragonvault: ${url}`);
  const report = await callJson(`${cast.sandbox.gameStudio}/_scenario/play`, {
    body: {
      session,
      rounds,
      stake: stake.wire,
      seed: 'pitboss-demo',
      duplicate: true,
      rollback: true,
      rollbackBeforeBet: true,
      leaveOpen: 1,
    },
  });
  tell(`studio's totals: ${JSON.stringify(report.totals.counts ?? report.totals)}`);
  hold(
    'every call was answered as its rules say, duplicates and rollbacks included',
    report.ok === true,
    report.expectations,
  );
  hold('the studio’s sum of the session equals our balance', report.balance.matches === true, report.balance);
  return report;
}

/** A few rounds in each a8r version: their calls carry the player and no token, in batches of bets and wins. */
export async function playBatches(cast: Cast, player: Player): Promise<void> {
  chapter('4a. The same wallet over signed SOFTSWISS a8r calls');
  for (const dialect of ['a8r-v2', 'a8r-v1']) {
    const report = await callJson(`${cast.sandbox.gameStudio}/_scenario/play`, {
      body: { dialect, user: player.id, currency: 'EUR', rounds: 3, seed: 'pitboss-demo', duplicate: true },
    });
    tell(`${dialect}: ${report.totals.betCount} bets, ${report.totals.winCount} wins`);
    const holds = report.ok === true && report.balance.matches === true;
    hold(
      `every ${dialect} call was answered as its rules say, and the sums are equal`,
      holds,
      report.expectations,
    );
  }
}

export async function settleOpenRound(cast: Cast, player: Player, report: Json): Promise<void> {
  chapter('5. The round that was left open');
  const round = report.openRounds[0]?.round ?? report.openRounds[0];
  const content = await signInOperator(cast, 'support');
  const settled = await eventually(
    'the settlement of the open round',
    async () => {
      const { items } = await content(`/admin/v1/rounds?playerId=${player.id}&limit=200`);
      const found = items.find((candidate: Json) => candidate.round === round);
      return found && found.state !== 'open' ? found : null;
    },
    120_000,
  );
  tell(
    `the provider was asked and the round is ${settled.state}: staked ${settled.staked.amount}, won ${settled.won.amount}`,
    settled.workflowId,
  );
  hold(
    'the open round is settled by its workflow',
    settled.state === 'settled' && settled.workflowId !== null,
    settled,
  );
}

/** Asks for 150 EUR back to the card of the deposit; the money is on hold with the answer. */
export async function requestWithdrawal(player: Player): Promise<string> {
  const before = (await balanceOf(player)).cash;
  const { items: cards } = await player.call('/v1/instruments');
  const card = cards.find((candidate: Json) => candidate.psp === 'beta');
  const begun = await player.call('/v1/withdrawals', {
    body: { money: { amount: '150.00', asset: 'EUR' }, instrument: { instrumentId: card.instrumentId } },
    idempotencyKey: randomUUID(),
  });
  tell(
    `withdrawal of 150 EUR to the card of the deposit: ${begun.state}`,
    `withdrawal:${begun.withdrawalId}`,
  );
  const held = await balanceOf(player);
  const moved = held.held === '150.00' && cents(held.cash) === cents(before) - 15_000n;
  hold('the money is on hold with the request', moved, held);
  return begun.withdrawalId;
}

export async function approve(cast: Cast, withdrawalId: string, role: string): Promise<void> {
  const operator = await signInOperator(cast, role);
  const work = await eventually('the withdrawal to wait for approval', async () => {
    const seen = await operator(`/admin/v1/withdrawals/${withdrawalId}`);
    return seen.state === 'awaiting-approval' ? seen : null;
  });
  const decide = (expect?: number[]): Promise<Json> =>
    operator(`/admin/v1/withdrawals/${withdrawalId}/approvals`, {
      body: {
        decision: 'approve',
        reason: 'Checked against the demo script.',
        payloadHash: work.payloadHash,
      },
      idempotencyKey: randomUUID(),
      ...(expect ? { expect } : {}),
    });
  await decide();
  if (role === 'payments') {
    const again = await decide([403, 409]);
    hold(
      'one operator cannot approve twice',
      ['already-decided', 'own-approval'].includes(again.code),
      again,
    );
  }
  tell(`approved by ${role}`);
}

export async function awaitPayout(player: Player, withdrawalId: string): Promise<void> {
  const paid = await eventually('the payout', async () => {
    const seen = await player.call(`/v1/withdrawals/${withdrawalId}`);
    return seen.state === 'paid' ? seen : null;
  });
  const after = await balanceOf(player);
  hold('the hold is settled', paid.state === 'paid' && after.held === '0.00', after);
}

export async function withdraw(cast: Cast, player: Player): Promise<void> {
  chapter('6. Withdrawal with two approvals');
  const withdrawalId = await requestWithdrawal(player);
  for (const role of ['payments', 'payments-lead']) await approve(cast, withdrawalId, role);
  await awaitPayout(player, withdrawalId);
}

/** Whole hundredths of a decimal text; the ledger's finer digits do not matter here. */
const cents = (amount: string): bigint => {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole + fraction.padEnd(2, '0').slice(0, 2));
};

/** FTD, deposits, GGR and NGR of ClickHouse moved by what the player's chain and the house's accounts say. */
async function proveFigures(cast: Cast, entries: readonly Json[], before: Standing): Promise<void> {
  const { kpis, ledger } = await standingNow(cast, before.since);
  const moved = (pick: (code: string) => boolean): bigint =>
    entries.filter(({ code }) => pick(code)).reduce((sum, { amount }) => sum + units(amount), 0n);
  const gaming = ledger.gaming - before.ledger.gaming;
  const said = {
    ftd: kpis.ftd - before.kpis.ftd,
    deposits: kpis.deposits - before.kpis.deposits,
    ggr: kpis.ggr - before.kpis.ggr,
    ngr: kpis.ngr - before.kpis.ngr,
  };
  tell(
    `KPIs moved by: ${Object.entries(said)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
  );
  hold('the player is one first-time depositor', said.ftd === 1n, `${said.ftd}`);
  hold(
    'deposits are what the ledger credited',
    said.deposits === moved((code) => code === 'deposit.capture'),
  );
  hold(
    'GGR is what the player’s games left in the ledger',
    said.ggr === -moved((code) => code.startsWith('bet.')),
  );
  hold('GGR is what the house’s gaming accounts gained', said.ggr === gaming, `${said.ggr} and ${gaming}`);
  const costs = ledger.costs - before.ledger.costs;
  hold('NGR is GGR less the costs in the ledger', said.ngr === gaming + costs, `${said.ngr}`);
}

/**
 * How the day stands before the player comes; the proof holds what the player has moved. Of a platform that has just
 * come up the tables behind the figures may still be made.
 */
export const standingNow = (cast: Cast, since?: string): Promise<Standing> =>
  eventually('the figures', () => readStanding(cast, brand, 'EUR', since).catch(() => null), 60_000);

export async function prove(cast: Cast, player: Player, before: Standing): Promise<void> {
  chapter('7. Proof');
  const analyst = await signInOperator(cast, 'admin');
  const trial = await analyst('/admin/v1/ledger/trial-balance');
  hold('the trial balance is zero', trial.balanced === true, trial.totals);

  // Two days where midnight has passed since the player came.
  const days = [...new Set([before.since, day()])];
  const equal = await eventually(
    'ClickHouse to equal the ledger',
    async () => {
      const seen = await Promise.all(days.map((one) => analyst(`/admin/v1/ledger-comparison?day=${one}`)));
      return seen.every(({ differences }) => differences.length === 0) ? seen : null;
    },
    30_000,
  ).catch(() => null);
  hold('ClickHouse equals the ledger to the last unit', equal !== null);
  const entries = await analyst(`/admin/v1/ledger/players/${player.id}/entries?asset=EUR&limit=200`);
  await proveFigures(cast, entries.items, before);

  const sequence = entries.items.map((entry: Json) => Number(entry.seq));
  hold(
    'the player’s chain has no gap',
    sequence.every((seq: number, index: number) => seq === index + 1),
    sequence.slice(0, 5),
  );

  const verify = spawnSync(
    process.execPath,
    [fileURLToPath(new URL('../../platform/verify.ts', import.meta.url))],
    {
      env: { ...cast.environment, PITBOSS_HOME: cast.home },
      encoding: 'utf8',
    },
  );
  for (const line of verify.stdout.trim().split('\n')) tell(line);
  hold('npm run verify passes', verify.status === 0, verify.stderr);
}
