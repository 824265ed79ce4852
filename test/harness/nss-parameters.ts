import pkcs11js from 'pkcs11js';

// NSS' module has to be told where its files lie when it is initialised. Who deploys it has p11-kit do that, by a file of the machine.
const { prototype } = pkcs11js.PKCS11;
const initialise = prototype.C_Initialize;
prototype.C_Initialize = function (this: typeof prototype, options) {
  const told = {
    flags: pkcs11js.CKF_OS_LOCKING_OK,
    ...options,
    libraryParameters: process.env.NSS_PARAMETERS,
  };
  initialise.call(this, told);
};
