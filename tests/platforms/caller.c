/*
 * Calls the native library where there is no Java for a C library: opens the file that it is given, and for each line of
 * standard input (a request frame in hexadecimal digits) writes the answer's frame as a line. It plays the few functions of
 * the Java Native Interface that a call needs; any other ends the program.
 */
#include <dlfcn.h>
#include <jni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (sizeof(struct JNINativeInterface_) / sizeof(void *))
#define LINE (1 << 20)

typedef jbyteArray JNICALL call_function(JNIEnv *, jclass, jbyteArray);

struct array {
    jsize length;
    jbyte *data;
};

static JavaVM vm;

static void missing(void) {
    fputs("the library asks for a function of the virtual machine that is not played\n", stderr);
    exit(3);
}

static jint JNICALL version(JNIEnv *env) {
    (void) env;
    return JNI_VERSION_1_8;
}

static jint JNICALL machine(JNIEnv *env, JavaVM **out) {
    (void) env;
    *out = &vm;
    return JNI_OK;
}

static jboolean JNICALL no_exception(JNIEnv *env) {
    (void) env;
    return JNI_FALSE;
}

static jsize JNICALL length_of(JNIEnv *env, jarray array) {
    (void) env;
    return ((struct array *) array)->length;
}

static jbyteArray JNICALL make(JNIEnv *env, jsize length) {
    (void) env;
    struct array *array = malloc(sizeof *array);
    array->length = length;
    array->data = calloc((size_t) length + 1, 1);
    return (jbyteArray) array;
}

static void JNICALL get(JNIEnv *env, jbyteArray array, jsize start, jsize length, jbyte *out) {
    (void) env;
    memcpy(out, ((struct array *) array)->data + start, (size_t) length);
}

static void JNICALL set(JNIEnv *env, jbyteArray array, jsize start, jsize length, const jbyte *in) {
    (void) env;
    memcpy(((struct array *) array)->data + start, in, (size_t) length);
}

static void JNICALL forget(JNIEnv *env, jobject object) {
    (void) env;
    (void) object;
}

int main(int count, char **arguments) {
    static struct JNINativeInterface_ functions;
    static char line[LINE];
    void (**slots)(void) = (void (**)(void)) &functions;
    for (size_t i = 0; i < SLOTS; i++) {
        slots[i] = missing;
    }
    functions.GetVersion = version;
    functions.GetJavaVM = machine;
    functions.ExceptionCheck = no_exception;
    functions.GetArrayLength = length_of;
    functions.NewByteArray = make;
    functions.GetByteArrayRegion = get;
    functions.SetByteArrayRegion = set;
    functions.DeleteLocalRef = forget;

    void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    call_function *call = library == NULL ? NULL
        : (call_function *) dlsym(library, "Java_org_pfscim_connector_NativeConnector_call");
    if (call == NULL) {
        fprintf(stderr, "%s\n", count == 2 ? dlerror() : "usage: caller LIBRARY");
        return 2;
    }
    JNIEnv env = &functions;
    while (fgets(line, LINE, stdin) != NULL) {
        struct array *frame = (struct array *) make(&env, (jsize) (strcspn(line, "\n") / 2));
        for (jsize i = 0; i < frame->length; i++) {
            unsigned byte = 0;
            sscanf(line + 2 * i, "%2x", &byte);
            frame->data[i] = (jbyte) byte;
        }
        struct array *answer = (struct array *) call(&env, NULL, (jbyteArray) frame);
        if (answer == NULL) {
            fputs("the library answers nothing\n", stderr);
            return 4;
        }
        for (jsize i = 0; i < answer->length; i++) {
            printf("%02x", (unsigned char) answer->data[i]);
        }
        putchar('\n');
        fflush(stdout);
    }
    return 0;
}
