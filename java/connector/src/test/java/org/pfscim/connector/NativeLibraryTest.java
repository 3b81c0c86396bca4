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

/** Each test loads in a class loader of its own, as each deployment does. */
public class NativeLibraryTest {

    @Rule
    public TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void the_shipped_library_loads_and_leaves_no_file_behind() throws Exception {
        TestLibrary.with(NativeLibrary.DIRECTORY, folder.getRoot().getPath(), () -> {
            try (URLClassLoader loader = TestLibrary.fresh()) {
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
        try (URLClassLoader first = TestLibrary.fresh(); URLClassLoader second = TestLibrary.fresh()) {
            load(first);
            load(second);
        }
    }

    @Test
    public void a_path_that_is_set_is_the_only_one_tried_and_is_named() throws Exception {
        File nothing = new File(folder.getRoot(), "nothing.so");
        String message = TestLibrary.with(NativeLibrary.PATH, nothing.getPath(), () -> failure(TestLibrary.fresh()));
        assertTrue(message, message.contains(NativeLibrary.PATH) && message.contains("nothing.so"));
        assertFalse(message, message.contains("; "));
    }

    @Test
    public void the_console_lists_everything_without_a_native_library() throws Exception {
        TestLibrary.with(NativeLibrary.PATH, new File(folder.getRoot(), "nothing.so").getPath(), () -> {
            try (URLClassLoader loader = TestLibrary.fresh()) {
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
    public void every_attempt_is_told_and_what_was_found_and_what_there_is() throws Exception {
        File overlay = overlay(checksumResource(), "0000");
        String message = failure(TestLibrary.fresh(overlay));
        assertTrue(message, message.contains("does not have the checksum that it was built with"));
        assertTrue(message, message.contains("; this is " + System.getProperty("os.name") + " on "));
    }

    @Test
    public void where_no_library_fits_the_system_and_the_contents_of_the_jar_are_named() throws Exception {
        String own = checksumResource().split("/")[4];
        String message = TestLibrary.with("os.name", "Linux", () ->
            TestLibrary.with("os.arch", "s390x", () -> failure(TestLibrary.fresh())));
        assertTrue(message, message.contains(": this is Linux on s390x with "));
        assertTrue(message, message.endsWith(", and this jar has " + own));
    }

    @Test
    public void every_platform_is_one_that_some_system_picks() {
        Set<String> picked = new TreeSet<>(NativeLibrary.classifiers("Windows Server 2022", "amd64", false));
        picked.addAll(NativeLibrary.classifiers("Linux", "amd64", false));
        picked.addAll(NativeLibrary.classifiers("Linux", "aarch64", true));
        assertEquals(new TreeSet<>(NativeLibrary.PLATFORMS), picked);
    }

    @Test
    public void a_file_that_is_no_library_is_told_with_the_reason_of_the_system() throws Exception {
        File text = folder.newFile("text.so");
        Files.write(text.toPath(), "no library".getBytes("US-ASCII"));
        String message = TestLibrary.with(NativeLibrary.PATH, text.getPath(), () -> failure(TestLibrary.fresh()));
        assertTrue(message, message.contains("text.so"));
    }

    @Test
    public void a_library_that_is_not_ours_is_said_to_be_another() throws Exception {
        String other = System.mapLibraryName("net");
        File found = null;
        for (String directory : new String[] {"lib", "bin", "lib/" + System.getProperty("os.arch")}) {
            File candidate = new File(System.getProperty("java.home"), directory + "/" + other);
            found = candidate.exists() ? candidate : found;
        }
        assertNotNull("the virtual machine has a library of its own to try", found);
        Path copy = folder.getRoot().toPath().resolve("other.so");
        Files.copy(found.toPath(), copy);
        String message = TestLibrary.with(NativeLibrary.PATH, copy.toString(), () -> failure(TestLibrary.fresh()));
        assertTrue(message, message.endsWith("is another library: it lacks the call that this jar makes"));
    }

    @Test
    public void a_directory_that_cannot_be_written_names_the_property_to_set() throws Exception {
        String file = folder.newFile("file").getPath();
        String message = TestLibrary.with(NativeLibrary.DIRECTORY, file, () -> failure(TestLibrary.fresh()));
        assertTrue(message, message.contains(NativeLibrary.DIRECTORY));
    }

    @Test
    public void copies_of_earlier_runs_are_removed_and_recent_ones_are_not() throws Exception {
        Path old = folder.newFolder("pfscim-native-1").toPath();
        Files.write(old.resolve("libpfscim.so"), new byte[1]);
        Files.setLastModifiedTime(old, FileTime.fromMillis(System.currentTimeMillis() - 7_200_000));
        Path recent = folder.newFolder("pfscim-native-2").toPath();
        Path other = folder.newFolder("somebody-elses").toPath();
        Files.setLastModifiedTime(other, FileTime.fromMillis(0));
        TestLibrary.with(NativeLibrary.DIRECTORY, folder.getRoot().getPath(), () -> {
            try (URLClassLoader loader = TestLibrary.fresh()) {
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
    public void musl_is_told_by_what_the_process_has_mapped() {
        assertTrue(NativeLibrary.isMusl("7f00-7f01 r-xp 0 0:1 1 /lib/ld-musl-x86_64.so.1\n"));
        assertTrue(NativeLibrary.isMusl("7f00-7f01 r-xp 0 0:1 1 /usr/lib/aarch64-linux-musl/libc.so\n"));
        assertFalse(NativeLibrary.isMusl("7f00-7f01 r-xp 0 0:1 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n"));
    }

    private static void load(ClassLoader loader) throws Exception {
        Method load = loader.loadClass("org.pfscim.connector.NativeConnector").getDeclaredMethod("load");
        load.setAccessible(true);
        // commons-logging 1.0 asks the context loader, and refuses to be seen twice.
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            load.invoke(null);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** The one-line message of a load that fails. */
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

    /** The checksum of the library for this machine, as the jar has it. */
    private static String checksumResource() {
        String arch = System.getProperty("os.arch");
        String name = NativeLibrary.classifiers(System.getProperty("os.name"), arch, false).stream()
            .map(c -> "org/pfscim/connector/native/" + c + (c.startsWith("windows") ? "/pfscim.dll" : "/libpfscim.so"))
            .map(n -> n + ".sha256")
            .filter(n -> NativeLibrary.class.getClassLoader().getResource(n) != null).findFirst().orElse(null);
        assertNotNull("the build has put a library for this machine into the resources", name);
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
