// What is used of pkcs11js. Its own types come with the package, which npm leaves out where nothing compiles it: the types of
// everything else are not to depend on that (tsconfig.json, `paths`).
type Handle = Buffer;

interface Attribute {
  readonly type: number;
  readonly value?: number | boolean | string | Buffer;
}

interface Mechanism {
  readonly mechanism: number;
  readonly parameter?:
    | {
        readonly type: number;
        readonly iv: Buffer;
        readonly aad: Buffer;
        readonly ivBits: number;
        readonly tagBits: number;
      }
    | { readonly type: number; readonly hashAlg: number; readonly mgf: number; readonly source: number };
}

declare class PKCS11 {
  load(path: string): void;
  close(): void;
  C_Initialize(options?: { readonly flags: number }): void;
  C_Finalize(): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): {
    readonly label: string;
    readonly serialNumber: string;
    readonly flags: number;
  };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, userType: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void;
  C_FindObjects(session: Handle, most: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_CreateObject(session: Handle, template: readonly Attribute[]): Handle;
  C_DestroyObject(session: Handle, object: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: readonly Attribute[]): { value: Buffer }[];
  C_GenerateKey(session: Handle, mechanism: Mechanism, template: readonly Attribute[]): Handle;
  C_GenerateKeyPair(
    session: Handle,
    mechanism: Mechanism,
    publicTemplate: readonly Attribute[],
    privateTemplate: readonly Attribute[],
  ): { readonly publicKey: Handle; readonly privateKey: Handle };
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_SignAsync(session: Handle, bytes: Buffer, into: Buffer): Promise<Buffer>;
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_EncryptAsync(session: Handle, bytes: Buffer, into: Buffer): Promise<Buffer>;
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_DecryptAsync(session: Handle, bytes: Buffer, into: Buffer): Promise<Buffer>;
}

declare const pkcs11js: {
  readonly PKCS11: typeof PKCS11;
  readonly CKA_CLASS: number;
  readonly CKA_DECRYPT: number;
  readonly CKA_EC_PARAMS: number;
  readonly CKA_EC_POINT: number;
  readonly CKA_ENCRYPT: number;
  readonly CKA_EXTRACTABLE: number;
  readonly CKA_ID: number;
  readonly CKA_KEY_TYPE: number;
  readonly CKA_LABEL: number;
  readonly CKA_MODULUS: number;
  readonly CKA_MODULUS_BITS: number;
  readonly CKA_PRIVATE: number;
  readonly CKA_PUBLIC_EXPONENT: number;
  readonly CKA_SENSITIVE: number;
  readonly CKA_SIGN: number;
  readonly CKA_TOKEN: number;
  readonly CKA_VALUE_LEN: number;
  readonly CKA_VERIFY: number;
  readonly CKF_OS_LOCKING_OK: number;
  readonly CKF_RW_SESSION: number;
  readonly CKF_SERIAL_SESSION: number;
  readonly CKF_USER_PIN_FINAL_TRY: number;
  readonly CKG_MGF1_SHA1: number;
  readonly CKG_MGF1_SHA256: number;
  readonly CKK_AES: number;
  readonly CKK_RSA: number;
  readonly CKM_AES_GCM: number;
  readonly CKM_AES_KEY_GEN: number;
  readonly CKM_RSA_PKCS_KEY_PAIR_GEN: number;
  readonly CKM_RSA_PKCS_OAEP: number;
  readonly CKM_SHA256: number;
  readonly CKM_SHA_1: number;
  readonly CKO_PRIVATE_KEY: number;
  readonly CKO_PUBLIC_KEY: number;
  readonly CKO_SECRET_KEY: number;
  readonly CKU_USER: number;
  readonly CK_PARAMS_AES_GCM_v240: number;
  readonly CK_PARAMS_RSA_OAEP: number;
};

// biome-ignore lint/style/noDefaultExport: so a CommonJS package looks to who imports it
export default pkcs11js;
