/*
 * Calls the native library without Java, for a C library that no Java runtime of the tests uses. Usage: caller LIBRARY
 *
 * Each line of standard input is a request frame in hexadecimal digits; the response frame is printed as a line. The program
 * implements the few functions of the Java Native Interface that a call needs. A call of any other function ends it.
 */
#include <dlfcn.h>
#include <jni.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (sizeof(struct JNINativeInterface_) / sizeof(void *))
#define LINE_BYTES_MAX (1 << 20)

typedef jbyteArray JNICALL call_function(JNIEnv *, jclass, jbyteArray);

struct array {
    jsize length;
    jbyte *data;
};

static JavaVM vm;

static void not_implemented(void) {
    fputs("the library calls a JNI function that caller.c does not implement\n", stderr);
    exit(3);
}

static jint JNICALL get_version(JNIEnv *env) {
    (void) env;
    return JNI_VERSION_1_8;
}

static jint JNICALL get_java_vm(JNIEnv *env, JavaVM **out) {
    (void) env;
    *out = &vm;
    return JNI_OK;
}

static jboolean JNICALL exception_check(JNIEnv *env) {
    (void) env;
    return JNI_FALSE;
}

static jsize JNICALL get_array_length(JNIEnv *env, jarray array) {
    (void) env;
    return ((struct array *) array)->length;
}

static jbyteArray JNICALL new_byte_array(JNIEnv *env, jsize length) {
    (void) env;
    struct array *array = malloc(sizeof *array);
    array->length = length;
    array->data = calloc((size_t) length + 1, 1);
    return (jbyteArray) array;
}

static void JNICALL get_byte_array_region(JNIEnv *env, jbyteArray array, jsize start, jsize length, jbyte *out) {
    (void) env;
    memcpy(out, ((struct array *) array)->data + start, (size_t) length);
}

static void JNICALL set_byte_array_region(JNIEnv *env, jbyteArray array, jsize start, jsize length, const jbyte *in) {
    (void) env;
    memcpy(((struct array *) array)->data + start, in, (size_t) length);
}

static void JNICALL delete_local_ref(JNIEnv *env, jobject object) {
    (void) env;
    (void) object;
}

int main(int count, char **arguments) {
    static struct JNINativeInterface_ functions;
    static char line[LINE_BYTES_MAX];
    void (**slots)(void) = (void (**)(void)) &functions;
    for (size_t i = 0; i < SLOTS; i++) {
        slots[i] = not_implemented;
    }
    functions.GetVersion = get_version;
    functions.GetJavaVM = get_java_vm;
    functions.ExceptionCheck = exception_check;
    functions.GetArrayLength = get_array_length;
    functions.NewByteArray = new_byte_array;
    functions.GetByteArrayRegion = get_byte_array_region;
    functions.SetByteArrayRegion = set_byte_array_region;
    functions.DeleteLocalRef = delete_local_ref;

    void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    call_function *call = library == NULL ? NULL
        : (call_function *) dlsym(library, "Java_org_pfscim_connector_NativeConnector_call");
    if (call == NULL) {
        fprintf(stderr, "%s\n", count == 2 ? dlerror() : "usage: caller LIBRARY");
        return 2;
    }
    JNIEnv env = &functions;
    while (fgets(line, LINE_BYTES_MAX, stdin) != NULL) {
        struct array *frame = (struct array *) new_byte_array(&env, (jsize) (strcspn(line, "\n") / 2));
        for (jsize i = 0; i < frame->length; i++) {
            unsigned byte = 0;
            sscanf(line + 2 * i, "%2x", &byte);
            frame->data[i] = (jbyte) byte;
        }
        struct array *response = (struct array *) call(&env, NULL, (jbyteArray) frame);
        if (response == NULL) {
            fputs("the library returned no frame\n", stderr);
            return 4;
        }
        for (jsize i = 0; i < response->length; i++) {
            printf("%02x", (unsigned char) response->data[i]);
        }
        putchar('\n');
        fflush(stdout);
    }
    return 0;
}
