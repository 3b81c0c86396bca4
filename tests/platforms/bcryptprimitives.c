/* Stands in for the library of this name where Wine has none. For the test only: Windows brings its own. */
#include <windows.h>

/* What advapi32 calls RtlGenRandom. */
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE out, SIZE_T length) {
    return SystemFunction036(out, (ULONG) length);
}
