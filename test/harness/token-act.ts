import { generateKeyPairSync } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import { tokenLabel } from './token-label.ts';

// What an operator of a token does, in a process of its own: module and PIN stand in its one argument.

const { module, pin, make, makeSigning, makeRsa, replace, remove, extractable, bits, decrypts } = JSON.parse(
  String(process.argv[2]),
);
const hsm = new pkcs11js.PKCS11();
hsm.load(module);
hsm.C_Initialize();
const slot = hsm.C_GetSlotList(true).find((one) => hsm.C_GetTokenInfo(one).label.trim() === tokenLabel);
if (slot === undefined) throw new Error('no token');
const session = hsm.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
if (replace === undefined) hsm.C_Login(session, pkcs11js.CKU_USER, pin);
if (replace !== undefined) {
  const publicHalves = [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
    { type: pkcs11js.CKA_LABEL, value: replace },
  ];
  hsm.C_FindObjectsInit(session, publicHalves);
  const found = hsm.C_FindObjects(session, 10);
  hsm.C_FindObjectsFinal(session);
  for (const object of found) hsm.C_DestroyObject(session, object);
  const { n = '' } = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ format: 'jwk' });
  hsm.C_CreateObject(session, [
    ...publicHalves,
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_RSA },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: false },
    { type: pkcs11js.CKA_ENCRYPT, value: true },
    { type: pkcs11js.CKA_MODULUS, value: Buffer.from(n, 'base64url') },
    { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from('010001', 'hex') },
  ]);
}
if (make !== undefined)
  hsm.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: extractable },
    { type: pkcs11js.CKA_ENCRYPT, value: true },
    { type: pkcs11js.CKA_DECRYPT, value: true },
    { type: pkcs11js.CKA_LABEL, value: make },
    { type: pkcs11js.CKA_VALUE_LEN, value: bits / 8 },
  ]);
/** Of the half of a pair that stays in the token. */
const secret = [
  { type: pkcs11js.CKA_PRIVATE, value: true },
  { type: pkcs11js.CKA_SENSITIVE, value: !extractable },
  { type: pkcs11js.CKA_EXTRACTABLE, value: extractable },
];
const named = [
  { type: pkcs11js.CKA_TOKEN, value: true },
  { type: pkcs11js.CKA_LABEL, value: makeSigning },
];
if (makeSigning !== undefined)
  // Of PKCS #11 3.0, which the binding does not name: CKM_EC_EDWARDS_KEY_PAIR_GEN, for edwards25519.
  hsm.C_GenerateKeyPair(
    session,
    { mechanism: 0x1055 },
    [
      ...named,
      { type: pkcs11js.CKA_VERIFY, value: true },
      { type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from('130c656477617264733235353139', 'hex') },
    ],
    [...named, ...secret, { type: pkcs11js.CKA_SIGN, value: true }],
  );
const ofPair = [
  { type: pkcs11js.CKA_TOKEN, value: true },
  { type: pkcs11js.CKA_LABEL, value: makeRsa },
];
if (makeRsa !== undefined)
  hsm.C_GenerateKeyPair(
    session,
    { mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN },
    [
      ...ofPair,
      { type: pkcs11js.CKA_PRIVATE, value: false },
      { type: pkcs11js.CKA_ENCRYPT, value: true },
      { type: pkcs11js.CKA_MODULUS_BITS, value: bits },
      { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from('010001', 'hex') },
    ],
    [
      ...ofPair,
      ...secret,
      { type: pkcs11js.CKA_DECRYPT, value: decrypts },
      { type: pkcs11js.CKA_SIGN, value: true },
    ],
  );
if (remove !== undefined) {
  hsm.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_LABEL, value: remove }]);
  const found = hsm.C_FindObjects(session, 10);
  hsm.C_FindObjectsFinal(session);
  for (const object of found) hsm.C_DestroyObject(session, object);
}
hsm.C_Finalize();
