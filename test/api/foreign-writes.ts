/**
 * What staff of one brand try on things of another one: a call of every operation of staff that writes, with the ids in its
 * address and body. What is not said here is a sample of the document.
 */
import { mine, theirs, type Things } from './things-of-brands.ts';

export type ForeignWrite = {
  /** By the names in the address. */
  readonly address?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** The call mixes things of both brands, so that nobody of one brand may make it; else their own staff get further. */
  readonly isMixed?: true;
};

const shown = 'ab'.repeat(32);
const apply = { decision: 'apply', payloadHash: shown };
const approve = { decision: 'approve', payloadHash: shown };
const later = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
const euro = { amount: '1.00', asset: 'EUR' };

type Body = NonNullable<ForeignWrite['body']>;

export const foreignWrites = (of: Things): Readonly<Record<string, readonly ForeignWrite[]>> => {
  const at = (id: string, body: Body = {}): readonly ForeignWrite[] => [{ address: { id }, body }];
  const about = (body: Body): readonly ForeignWrite[] => [{ body }];
  const ofPlayer = (body: Body = {}) => at(of.player, body);
  const game = { integration: of.integration, game: of.game };
  const round = { integration: of.integration, round: of.round };
  const freeRounds = { games: [of.game], asset: 'EUR', betValue: '0.10', count: 10, days: 7 };
  const policy = { kind: 'second-charge', jurisdiction: 'SE', action: 'person' };
  return {
    lockPlayer: ofPlayer(),
    unlockPlayer: ofPlayer(),
    setPlayerStakeCap: ofPlayer({ asset: 'EUR', amount: '5.00' }),
    setStakeLimit: ofPlayer({ asset: 'EUR', stakeMax: euro }),
    setPlayerTier: ofPlayer({ tier: null, after: 0 }),
    giveFraudScore: ofPlayer({ score: 5, source: 'a house', expiresAt: later(7), after: 0 }),

    placeHold: about({ playerId: of.player, money: euro, reason: 'legal-order', expiresAt: later(1) }),
    captureHold: at(of.hold, { money: euro }),
    releaseHold: at(of.hold),
    requestAdjustment: about({
      playerId: of.player,
      direction: 'credit',
      ...euro,
      reasonCode: 'goodwill',
    }),
    decideAdjustment: at(of.adjustment, { decision: 'refuse', contentHash: shown }),
    grantAward: about({ playerId: of.player, money: euro, wageringTimes: 10, days: 7 }),
    decideVerification: at(of.verification, { decision: 'approve' }),

    proposeHeldMoney: about({ withdrawalId: of.withdrawal, decision: 'keep', reasonCode: 'asset-freeze' }),
    decideHeldMoney: at(of.heldMoney, { ...approve, decision: 'refuse' }),
    decideScreening: at(of.screening, { decision: 'clear' }),
    decideWithdrawal: at(of.withdrawal, approve),
    assignPaymentWorkItem: at(of.workItem),
    commentPaymentWorkItem: at(of.workItem, { comment: 'seen' }),
    closePaymentWorkItem: at(of.workItem),
    expireBankTransfer: at(of.bankTransfer),
    requestRefund: at(of.deposit, { money: euro }),
    captureDeposit: at(of.deposit),
    voidDeposit: at(of.deposit),
    decideRefund: at(of.refund, approve),
    decideModification: at(of.modification, approve),
    answerDispute: at(of.dispute, { answer: 'accept' }),
    decideDisputeAnswer: [
      {
        address: { id: of.dispute, answerId: of.answer },
        body: { decision: 'withdraw', contentHash: shown },
      },
      {
        address: { id: of.myDispute, answerId: of.answer },
        body: { decision: 'withdraw', contentHash: shown },
        isMixed: true,
      },
    ],
    acceptFraudAlert: at(of.fraudAlert),
    dismissFraudAlert: at(of.fraudAlert),

    setRampTerms: about({ brand: theirs, lifetimeS: 30, onRampSpreadBps: 100, offRampSpreadBps: 100 }),
    setPaymentRule: about({
      brand: theirs,
      name: 'a-closed-method',
      flow: 'deposit',
      measure: 'closed',
      subject: 'payment',
    }),
    endPaymentRule: at(of.paymentRule),
    addListEntry: about({ brand: theirs, list: 'black', kind: 'country', value: 'SE' }),
    endListEntry: at(of.listEntry),
    lookUpLists: about({ brand: theirs, kind: 'country', value: 'SE' }),
    proposeSetting: [
      { body: { setting: { ...policy, brand: theirs }, after: 0 } },
      {
        body: {
          setting: { kind: 'approver-band', brand: '*', role: 'payments', asset: 'EUR', amountMax: '1.00' },
          after: 0,
        },
        isMixed: true,
      },
    ],
    decideSetting: at(of.settingChange, apply),
    decidePaymentAct: at(of.act, apply),

    createIntegration: about({
      id: 'another-studio',
      dialect: 'a8r-v2',
      brand: theirs,
      operatorId: 'casino',
      baseUrl: 'https://provider.example',
    }),
    changeIntegration: at(of.integration, { version: 1, importEveryH: 24 }),
    decideIntegration: at(of.integrationProposal, apply),
    proposeCredential: at(of.integration, { kind: 'hmac-secret', material: 'a-secret-of-the-other' }),
    decideCredential: [
      {
        address: { id: of.integration, credentialId: of.credential },
        body: { decision: 'activate', payloadHash: shown },
      },
      {
        address: { id: of.myIntegration, credentialId: of.credential },
        body: { decision: 'refuse', payloadHash: shown },
        isMixed: true,
      },
    ],
    changeGame: [{ address: { id: of.integration, game: of.game }, body: { guardMs: 60_000 } }],
    importCatalogue: at(of.integration),
    setPlayRules: [
      { address: game, body: { stakeCaps: [], jackpot: { pool: of.pool, contributionBps: 10 } } },
    ],
    orderFreeRounds: [
      { body: { ...freeRounds, playerId: of.player, integration: of.integration } },
      { body: { ...freeRounds, playerId: of.player, integration: of.myIntegration }, isMixed: true },
      { body: { ...freeRounds, playerId: of.myPlayer, integration: of.integration }, isMixed: true },
    ],
    cancelFreeRounds: at(of.freeRounds),
    createFreeRoundsCampaign: at(of.integration, {
      name: 'spring',
      prepaidId: 'p-1',
      asset: 'EUR',
      startsAt: later(1),
      endsAt: later(2),
    }),
    resolveRound: [{ address: round, body: { playerId: of.player, outcome: 'ask-again' } }],
    proposeRoundVoid: [{ address: round, body: { playerId: of.player } }],
    decideRoundVoid: at(of.roundVoid, { decision: 'reject', contentHash: shown }),
    fundJackpot: [{ address: { pool: of.pool }, body: { brand: theirs, money: euro } }],

    draftRules: [{ address: { ruleSet: 'payments.deposit-routing' }, body: { brand: theirs, content: {} } }],
    cloneRuleVersion: [
      ...at(of.ruleVersion, { brand: theirs }),
      { address: { id: of.ruleVersion }, body: { brand: mine }, isMixed: true },
      { address: { id: of.myRuleVersion }, body: { brand: theirs }, isMixed: true },
    ],
    matchCondition: [
      { address: { ruleSet: 'payments.deposit-routing' }, body: { brand: theirs, condition: {} } },
    ],
    simulateRules: at(of.ruleVersion),
    takeRuleStep: at(of.ruleVersion, { step: 'discard', contentHash: shown }),
    assignRuleReview: at(of.ruleReview),
    confirmRollBack: at(of.ruleReview),
  };
};

/** What concerns every brand at once: nobody whose account is limited to some may say it. */
export const writesForAllBrands = (of: Things): Readonly<Record<string, readonly ForeignWrite[]>> => ({
  requestLedgerAudit: [{}],
  liftWithdrawalStop: [{}],
  endRate: [{ address: { id: of.rate } }],
  proposeRate: [
    {
      body: { soldAsset: 'EUR', boughtAsset: 'SEK', rate: '11.2', quotedAt: later(0), expiresAt: later(1) },
    },
  ],
  decideRate: [{ address: { id: of.rateProposal }, body: apply }],
  assignReconciliationBreak: [{ address: { id: of.break }, body: { ownerId: of.operator } }],
  closeReconciliationBreak: [
    {
      address: { id: of.break },
      body: { proof: { kind: 'journal', reference: 'a-journal' }, resolution: 'it came later' },
    },
  ],
  runReconciliation: [{ address: { psp: 'alpha', day: '2026-01-31' } }],
  proposeRetryRule: [
    {
      body: {
        network: 'visa',
        rule: 'reattempts',
        windowS: 86_400,
        maximum: 1,
        scope: 'card',
        imposedBy: 'operator',
      },
    },
  ],
  confirmRetryRule: [{ address: { id: of.retryRule } }],
  endRetryRule: [{ address: { id: of.retryRule } }],
  openLookupImport: [{ body: { kind: 'bin', asOf: '2026-01-31' } }],
  loadLookupPart: [
    {
      address: { id: of.lookupImport, part: '1' },
      body: { csv: '41111100,41111199,A bank,MT,debit' },
    },
  ],
  activateLookupImport: [{ address: { id: of.lookupImport }, body: { parts: 1 } }],
  resolveParkedResult: [{ address: { id: of.parkedResult }, body: { resolution: 'dismiss' } }],
});

/** What belongs to no brand, each with the reason. */
export const brandlessWrites: ReadonlyMap<string, string> = new Map([
  ['openOperatorSession', 'the caller himself, before anybody knows his brands'],
  ['closeOperatorSession', 'the caller himself'],
  ['checkRules', 'only computes an answer about what it is given'],
]);
