/** What an operator asks of the studio, in each dialect's words and signature: launches and free rounds. */
import { createHmac, sign } from 'node:crypto';
import type { DialectName } from '#sandbox/game-studio/wallet-wire.ts';
import type { RigKeys, RigPlayer } from './wallet-rig.ts';

export type Answer = { readonly http: number; readonly body: Record<string, unknown> };

export type StudioOperator = {
  /** Address of the running game; nobody plays a demo. */
  launch(dialect: DialectName, player: RigPlayer | null): Promise<string>;
  /** Ten free rounds under our id. */
  issue(dialect: DialectName, player: RigPlayer, id: string): Promise<Answer>;
  cancel(dialect: DialectName, id: string): Promise<Answer>;
};

const launchTerms = {
  client_type: 'desktop',
  game: 'pbs:dragonvault',
  ip: '203.0.113.7',
  locale: 'en',
  urls: { return_url: 'http://127.0.0.1/lobby' },
};
const aWeekMs = 7 * 86_400_000;

export function createStudioOperator(studioUrl: string, keys: RigKeys): StudioOperator {
  async function post(path: string, body: string, headers: Record<string, string>): Promise<Answer> {
    const response = await fetch(`${studioUrl}/${path}`, { method: 'POST', body, headers });
    return { http: response.status, body: JSON.parse(await response.text()) };
  }

  function rs(dialect: 'hub88' | 'caleta', path: string, fields: object): Promise<Answer> {
    const body = JSON.stringify({ operator_id: 'pitboss', ...fields });
    const signature = sign('RSA-SHA256', Buffer.from(body), keys.operatorPrivateKey).toString('base64');
    return dialect === 'hub88'
      ? post(`operator/generic/v2/${path}`, body, { 'x-hub88-signature': signature })
      : post(`caleta/operator/generic/v2/${path}`, body, { 'x-auth-signature': signature });
  }

  function a8r(path: string, fields: object): Promise<Answer> {
    const body = JSON.stringify({ casino_id: 'pitboss', ...fields });
    const token = path.startsWith('gcp') ? keys.a8rV1Token : keys.a8rV2Token;
    return post(path, body, { 'x-request-sign': createHmac('sha256', token).update(body).digest('hex') });
  }

  async function launchRs(dialect: 'hub88' | 'caleta', player: RigPlayer | null): Promise<string> {
    const who =
      player === null
        ? { currency: 'XXX' }
        : {
            currency: 'EUR',
            user: player.id,
            token: player.tokens[dialect === 'hub88' ? 'studio' : 'studio-caleta'],
          };
    const { body } = await rs(dialect, 'game/url', {
      game_code: 'pbs_dragonvault',
      country: 'MT',
      lang: 'en',
      lobby_url: 'http://127.0.0.1/lobby',
      deposit_url: 'http://127.0.0.1/deposit',
      ip: '203.0.113.7',
      platform: 'GPL_DESKTOP',
      ...who,
    });
    return String(body['url']);
  }

  const v2Player = ({ id }: RigPlayer) => ({ id, currency: 'EUR', country: 'MT' });

  return {
    async launch(dialect, player) {
      if (dialect === 'hub88' || dialect === 'caleta') return launchRs(dialect, player);
      if (dialect === 'a8r-v2') {
        const { body } = player
          ? await a8r('a8r/v2/casino_a8r.Launcher/Real', {
              ...launchTerms,
              jurisdiction: 'MT',
              player: v2Player(player),
            })
          : await a8r('a8r/v2/casino_a8r.Launcher/Demo', launchTerms);
        return String(body['launch_url']);
      }
      const { body } = player
        ? await a8r('gcp/sessions', {
            ...launchTerms,
            currency: 'EUR',
            user: { id: player.id, country: 'MT' },
          })
        : await a8r('gcp/demo', launchTerms);
      return String((body['launch_options'] as { game_url: string }).game_url);
    },

    async issue(dialect, player, id) {
      if (dialect === 'hub88' || dialect === 'caleta') {
        const wish = { game_code: 'pbs_dragonvault', currency: 'EUR' };
        const [prepaid] = (await rs(dialect, 'freebet/prepaids/list', wish)).body as unknown as {
          prepaid_uuid: string;
        }[];
        return rs(dialect, 'freebet/rewards/create', {
          user: player.id,
          prepaid_uuid: prepaid?.prepaid_uuid,
          reward_uuid: id,
        });
      }
      const terms = {
        issue_id: id,
        freespins_quantity: 10,
        games: ['pbs:dragonvault'],
        valid_until: new Date(Date.now() + aWeekMs).toISOString(),
      };
      return dialect === 'a8r-v2'
        ? a8r('a8r/v2/casino_a8r.Freespins/Issue', { ...terms, bet_amount: '0.5', player: v2Player(player) })
        : a8r('gcp/freespins/issue', { ...terms, currency: 'EUR', user: { id: player.id } });
    },

    cancel(dialect, id) {
      if (dialect === 'hub88' || dialect === 'caleta')
        return rs(dialect, 'freebet/rewards/cancel', { reward_uuid: id });
      return dialect === 'a8r-v2'
        ? a8r('a8r/v2/casino_a8r.Freespins/Cancel', { issue_id: id, provider: 'pbs' })
        : a8r('gcp/freespins/cancel', { issue_id: id });
    },
  };
}
