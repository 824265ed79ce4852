import { KmsError } from '../kms-error.ts';

type Algorithm = 'RSA-OAEP-256' | 'A256KW';

export interface AzureKey {
  /** Which KEK this is: the vault's host and the key's name, whatever its versions. */
  readonly id: string;
  readonly origin: string;
  readonly host: string;
  readonly name: string;
  readonly algorithm: Algorithm;
  /** Whom a token for this vault is for: the domain that its service has, or this machine. */
  readonly audienceHost: string;
  /** The version in a key's identifier, 32 hex digits; null: it is not one of this key. */
  versionOf(kid: unknown): string | null;
}

/** The domains of Key Vault and Managed HSM, in Azure's clouds. Nobody else is ever asked, nor given a token. */
const domains = ['azure.net', 'azure.cn', 'usgovcloudapi.net'].flatMap((cloud) => [
  `vault.${cloud}`,
  `managedhsm.${cloud}`,
]);

const form =
  'azure-kv:https://<vault>.vault.azure.net/keys/<name>, or one of managedhsm.azure.net, with ?alg=A256KW where it is an AES key';

/** Of the URI behind its scheme. Throws `INVALID_URI`, repeating nothing of it. */
export function parseAzureKey(rest: string): AzureKey {
  // By its text: what a URL parser would mend (`..`, `\`, userinfo, escapes) is refused.
  const [, scheme, host, port = '', name, algorithm = 'RSA-OAEP-256'] =
    /^(https?):\/\/([a-z0-9.-]{1,120})(:[0-9]{1,5})?\/keys\/([A-Za-z0-9-]{1,127})(?:\?alg=(RSA-OAEP-256|A256KW))?$/.exec(
      rest,
    ) ?? [];
  if (host === undefined || name === undefined) throw invalid(`it must be ${form}`);
  const isHere = host === 'localhost' || host === '127.0.0.1';
  const domain = domains.find((one) => host.endsWith(`.${one}`));
  const vault = domain === undefined ? '' : host.slice(0, -domain.length - 1);
  if (!isHere && !/^[a-z0-9](-?[a-z0-9]){1,23}$/.test(vault))
    throw invalid('its host must be a vault of Azure');
  if (!isHere && (scheme !== 'https' || port !== '')) throw invalid('it must be https, without a port');
  if (algorithm === 'A256KW' && domain?.startsWith('vault.'))
    throw invalid('AES keys are of a Managed HSM only');
  return {
    id: `azure-kv:${host}/keys/${name}`,
    origin: `${scheme}://${host}${port}`,
    host,
    name,
    algorithm: algorithm === 'A256KW' ? 'A256KW' : 'RSA-OAEP-256',
    audienceHost: domain ?? host,
    versionOf(kid) {
      const [, ofHost, ofName, version = null] =
        typeof kid === 'string' && kid.length <= 400
          ? (/^https?:\/\/([^/:]+)(?::[0-9]+)?\/keys\/([A-Za-z0-9-]+)\/([0-9a-f]{32})$/.exec(kid) ?? [])
          : [];
      return ofHost === host && ofName === name ? version : null;
    },
  };
}

function invalid(why: string): KmsError {
  return new KmsError('INVALID_URI', `KEK: the URI of a Key Vault key is not well formed: ${why}`);
}
