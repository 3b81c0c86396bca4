package org.pfscim.connector;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Tests the load of the native library. Each test uses a new class loader, as each deployment does. */
public class NativeLibraryTest {

    @Rule
    public TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void the_shipped_library_loads_and_leaves_no_file_behind() throws Exception {
        TestLibrary.withProperty(NativeLibrary.FOLDER_PROPERTY, folder.getRoot().getPath(), () -> {
            try (URLClassLoader loader = TestLibrary.newLoader()) {
                load(loader);
                load(loader);
            }
            return null;
        });
        if (File.separatorChar == '/') {
            assertEquals(Collections.emptyList(), Arrays.asList(folder.getRoot().list()));
        }
    }

    @Test
    public void two_deployments_in_one_virtual_machine_both_load() throws Exception {
        try (URLClassLoader first = TestLibrary.newLoader(); URLClassLoader second = TestLibrary.newLoader()) {
            load(first);
            load(second);
        }
    }

    @Test
    public void a_set_path_is_the_only_attempt_and_is_named() throws Exception {
        File missing = new File(folder.getRoot(), "missing.so");
        String message =
            TestLibrary.withProperty(NativeLibrary.PATH_PROPERTY, missing.getPath(), () -> failure(TestLibrary.newLoader()));
        assertTrue(message, message.contains(NativeLibrary.PATH_PROPERTY) && message.contains("missing.so"));
        assertFalse(message, message.contains("this system is "));
        assertTrue(message, message.endsWith("missing.so; correct or remove " + NativeLibrary.PATH_PROPERTY));
    }

    @Test
    public void the_console_lists_settings_fields_and_mappings_without_a_native_library() throws Exception {
        TestLibrary.withProperty(NativeLibrary.PATH_PROPERTY, new File(folder.getRoot(), "missing.so").getPath(), () -> {
            try (URLClassLoader loader = TestLibrary.newLoader()) {
                Object plugin = loader.loadClass("org.pfscim.connector.ScimConnectorPlugin").getConstructor().newInstance();
                for (String list : Arrays.asList("getConnectionParameterDescriptors", "getFieldInfo")) {
                    assertFalse(((List<?>) plugin.getClass().getMethod(list).invoke(plugin)).isEmpty());
                }
                assertFalse(((Map<?, ?>) plugin.getClass().getMethod("loadDefaultMappings").invoke(plugin)).isEmpty());
            }
            return null;
        });
    }

    @Test
    public void the_message_has_every_attempt_and_the_system() throws Exception {
        File overlay = overlay(checksumResource(), "0000");
        String message = failure(TestLibrary.newLoader(overlay));
        assertTrue(message, message.contains("does not have the checksum of its build, "));
        assertTrue(message, message.contains(", this system is " + System.getProperty("os.name") + " on "));
        assertTrue(message, message.endsWith("; copy the jar again and compare it with SHA256SUMS"));
    }

    @Test
    public void without_a_fitting_library_the_message_names_the_system_and_the_platforms_of_the_jar() throws Exception {
        String platform = checksumResource().split("/")[4];
        String message = TestLibrary.withProperty("os.name", "Linux", () ->
            TestLibrary.withProperty("os.arch", "s390x", () -> failure(TestLibrary.newLoader())));
        assertTrue(message, message.contains(": this system is Linux on s390x with "));
        assertTrue(message, message.endsWith(", and this jar contains " + platform));
    }

    @Test
    public void every_platform_is_chosen_by_some_system() {
        Set<String> chosen = new TreeSet<>(NativeLibrary.classifiers("Windows Server 2022", "amd64", false));
        chosen.addAll(NativeLibrary.classifiers("Linux", "amd64", false));
        chosen.addAll(NativeLibrary.classifiers("Linux", "aarch64", true));
        assertEquals(new TreeSet<>(NativeLibrary.PLATFORMS), chosen);
    }

    @Test
    public void a_file_that_is_not_a_library_is_named() throws Exception {
        File text = folder.newFile("text.so");
        Files.write(text.toPath(), "not a library".getBytes("US-ASCII"));
        String message =
            TestLibrary.withProperty(NativeLibrary.PATH_PROPERTY, text.getPath(), () -> failure(TestLibrary.newLoader()));
        assertTrue(message, message.contains("text.so"));
    }

    @Test
    public void a_foreign_library_is_reported_as_not_of_pfscim() throws Exception {
        String foreign = System.mapLibraryName("net");
        File found = null;
        for (String libraries : new String[] {"lib", "bin", "lib/" + System.getProperty("os.arch")}) {
            File candidate = new File(System.getProperty("java.home"), libraries + "/" + foreign);
            found = candidate.exists() ? candidate : found;
        }
        assertNotNull("the virtual machine has a library for this test", found);
        Path copy = folder.getRoot().toPath().resolve("foreign.so");
        Files.copy(found.toPath(), copy);
        String message =
            TestLibrary.withProperty(NativeLibrary.PATH_PROPERTY, copy.toString(), () -> failure(TestLibrary.newLoader()));
        assertTrue(message, message.endsWith("is not a library of pfscim: it lacks the function that this jar calls"
            + "; correct or remove " + NativeLibrary.PATH_PROPERTY));
    }

    @Test
    public void for_a_folder_that_cannot_be_written_the_message_names_the_property() throws Exception {
        String file = folder.newFile("file").getPath();
        String message =
            TestLibrary.withProperty(NativeLibrary.FOLDER_PROPERTY, file, () -> failure(TestLibrary.newLoader()));
        assertTrue(message, message.endsWith("; set " + NativeLibrary.FOLDER_PROPERTY + " to a writable folder"));
    }

    @Test
    public void old_copies_are_removed_and_recent_copies_stay() throws Exception {
        Path old = folder.newFolder("pfscim-native-1").toPath();
        Files.write(old.resolve("libpfscim.so"), new byte[1]);
        Files.setLastModifiedTime(old, FileTime.fromMillis(System.currentTimeMillis() - 7_200_000));
        Path recent = folder.newFolder("pfscim-native-2").toPath();
        Path other = folder.newFolder("unrelated").toPath();
        Files.setLastModifiedTime(other, FileTime.fromMillis(0));
        TestLibrary.withProperty(NativeLibrary.FOLDER_PROPERTY, folder.getRoot().getPath(), () -> {
            try (URLClassLoader loader = TestLibrary.newLoader()) {
                load(loader);
            }
            return null;
        });
        assertFalse(Files.exists(old));
        assertTrue(Files.exists(recent));
        assertTrue(Files.exists(other));
    }

    @Test
    public void the_library_is_chosen_by_system_processor_and_c_library() {
        assertEquals(Arrays.asList("linux-x86_64", "linux-x86_64-musl"),
            NativeLibrary.classifiers("Linux", "amd64", false));
        assertEquals(Arrays.asList("linux-aarch64-musl", "linux-aarch64"),
            NativeLibrary.classifiers("Linux", "aarch64", true));
        assertEquals(Collections.singletonList("windows-x86_64"),
            NativeLibrary.classifiers("Windows Server 2022", "amd64", false));
        assertEquals(Collections.emptyList(), NativeLibrary.classifiers("Mac OS X", "aarch64", false));
        assertEquals(Collections.emptyList(), NativeLibrary.classifiers("Linux", "s390x", false));
    }

    @Test
    public void musl_is_detected_in_the_memory_map_of_the_process() {
        assertTrue(NativeLibrary.isMusl("7f00-7f01 r-xp 0 0:1 1 /lib/ld-musl-x86_64.so.1\n"));
        assertTrue(NativeLibrary.isMusl("7f00-7f01 r-xp 0 0:1 1 /usr/lib/aarch64-linux-musl/libc.so\n"));
        assertFalse(NativeLibrary.isMusl("7f00-7f01 r-xp 0 0:1 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n"));
    }

    private static void load(ClassLoader loader) throws Exception {
        Method load = loader.loadClass("org.pfscim.connector.NativeConnector").getDeclaredMethod("load");
        load.setAccessible(true);
        // commons-logging 1.0 uses the context class loader, and rejects a Log class from a second loader.
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            load.invoke(null);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Returns the message of a load that fails. It is one line. */
    private static String failure(URLClassLoader loader) throws Exception {
        try {
            InvocationTargetException thrown = assertThrows(InvocationTargetException.class, () -> load(loader));
            String message = thrown.getCause().getMessage();
            assertTrue(message, message.startsWith("config: the native library could not be loaded: "));
            assertFalse(message, message.contains("\n"));
            return message;
        } finally {
            loader.close();
        }
    }

    /** Returns the name of the resource with the checksum of the library for this machine. */
    private static String checksumResource() {
        String arch = System.getProperty("os.arch");
        String name = NativeLibrary.classifiers(System.getProperty("os.name"), arch, false).stream()
            .map(c -> "org/pfscim/connector/native/" + c + (c.startsWith("windows") ? "/pfscim.dll" : "/libpfscim.so"))
            .map(n -> n + ".sha256")
            .filter(n -> NativeLibrary.class.getClassLoader().getResource(n) != null).findFirst().orElse(null);
        assertNotNull("the resources contain a library for this machine", name);
        return name;
    }

    private File overlay(String resource, String content) throws Exception {
        File root = folder.newFolder("overlay");
        File file = new File(root, resource);
        assertTrue(file.getParentFile().mkdirs());
        Files.write(file.toPath(), content.getBytes("US-ASCII"));
        return root;
    }
}
