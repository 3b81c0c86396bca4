/* Replaces bcryptprimitives.dll in Wine 8, which does not have it. For the test only: Windows has its own. */
#include <windows.h>

/* RtlGenRandom: advapi32 exports it by this name. */
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE out, SIZE_T length) {
    return SystemFunction036(out, (ULONG) length);
}
