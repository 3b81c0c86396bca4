package org.pfscim.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.DataInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.pfscim.host.fake.FakePlugin;

/** Tests the jar as pfscim starts it: in a separate JVM, on one class path with a deployed jar. */
public class HostJarTest {
    private static final int JAVA_8 = 52;

    private final Path host = Paths.get(System.getProperty("pfscim.host.jar"));

    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private Path errors;

    @Before
    public void setUp() {
        errors = folder.getRoot().toPath().resolve("errors");
    }

    @Test
    public void a_deployed_jar_is_called_and_standard_output_has_only_the_protocol() throws Exception {
        Path deployed = deploy("PF-INF/saas-provisioning-plugin-descriptor", FakePlugin.class.getName());
        List<String> lines = new ArrayList<>();
        int status = run(deployed, "1 init p.URL=x\n2 createUser a.userName=print\n3 getUser username=outcome\n", lines);
        assertEquals(errorOutput(), 0, status);
        assertEquals("1 ok usernameField=userName&groups=true&dn=false", lines.get(0));
        assertTrue(lines.toString(), lines.contains("2 ok id=id-print"));
        assertTrue(lines.toString(), lines.contains(
            "- log level=INFO&logger=com.pingidentity.provisioner.fake&text=outcome%3Dskipped+id%3D7&seq=3"));
        assertTrue(lines.toString(), lines.stream().allMatch(line -> line.matches("([123] ok|- log) \\S*")));
        assertEquals("printed by the plugin\n", errorOutput());
    }

    @Test
    public void modes_are_system_properties() throws Exception {
        Path deployed = deploy("PF-INF/saas-provisioning-plugin-descriptor", FakePlugin.class.getName());
        assertEquals(2, run(deployed, "", new ArrayList<>(), "-Dorg.pfscim.host.removal=never"));
        assertTrue(errorOutput(), errorOutput().contains("org.pfscim.host.removal"));
    }

    @Test
    public void a_jar_without_descriptor_ends_the_host_with_one_line_and_status_2() throws Exception {
        Path deployed = deploy("PF-INF/something-else", FakePlugin.class.getName());
        assertEquals(2, run(deployed, "1 init\n", new ArrayList<>()));
        assertEquals(errorOutput(), 1, errorOutput().split("\n").length);
        assertTrue(errorOutput(), errorOutput().contains("saas-provisioning-plugin-descriptor"));
    }

    @Test
    public void every_class_runs_on_java_8() throws Exception {
        try (JarFile jar = new JarFile(host.toFile())) {
            for (JarEntry entry : Collections.list(jar.entries())) {
                if (entry.getName().endsWith(".class")) {
                    try (DataInputStream bytes = new DataInputStream(jar.getInputStream(entry))) {
                        bytes.readInt();
                        bytes.readUnsignedShort();
                        int version = bytes.readUnsignedShort();
                        assertTrue(entry.getName() + " has version " + version, version <= JAVA_8);
                    }
                }
            }
        }
    }

    @Test
    public void the_jar_contains_the_declarations_the_libraries_and_their_licences() throws Exception {
        try (JarFile jar = new JarFile(host.toFile())) {
            for (String name : new String[] {"org/pfscim/host/Main.class", "META-INF/LICENSE.txt", "META-INF/NOTICE.txt",
                "com/pingidentity/provisioner/sdk/AbstractSaasPlugin.class", "org/apache/commons/logging/Log.class", "ognl/Ognl.class",
                "META-INF/THIRD-PARTY.txt"}) {
                assertTrue(name, jar.getEntry(name) != null);
            }
            assertEquals("org.pfscim.host.Main", jar.getManifest().getMainAttributes().getValue("Main-Class"));
        }
    }

    /** Creates a jar with the fake plugin and one resource. */
    private Path deploy(String resource, String text) throws IOException {
        Path jar = Files.createDirectories(folder.getRoot().toPath().resolve("deploy")).resolve("fake.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (String type : new String[] {"FakePlugin", "FakePlugin$Heading"}) {
                String name = "org/pfscim/host/fake/" + type + ".class";
                out.putNextEntry(new JarEntry(name));
                try (InputStream bytes = HostJarTest.class.getClassLoader().getResourceAsStream(name)) {
                    byte[] buffer = new byte[4096];
                    for (int n = bytes.read(buffer); n >= 0; n = bytes.read(buffer)) {
                        out.write(buffer, 0, n);
                    }
                }
            }
            out.putNextEntry(new JarEntry(resource));
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return jar;
    }

    private int run(Path deployed, String input, List<String> lines, String... options) throws Exception {
        Path output = folder.getRoot().toPath().resolve("output");
        Path requests = folder.getRoot().toPath().resolve("requests");
        Files.write(requests, input.getBytes(StandardCharsets.UTF_8));
        List<String> command = new ArrayList<>();
        command.add(Paths.get(System.getProperty("java.home"), "bin", "java").toString());
        Collections.addAll(command, options);
        Collections.addAll(command, "-cp", host + File.pathSeparator + deployed, Main.class.getName(), "--id", "Fake",
            "--threads", "2");
        Process process = new ProcessBuilder(command).redirectInput(requests.toFile()).redirectOutput(output.toFile())
            .redirectError(errors.toFile()).start();
        try {
            assertTrue("the host did not end", process.waitFor(60, TimeUnit.SECONDS));
        } finally {
            process.destroyForcibly();
        }
        lines.addAll(Files.readAllLines(output, StandardCharsets.US_ASCII));
        return process.exitValue();
    }

    private String errorOutput() throws IOException {
        return new String(Files.readAllBytes(errors), StandardCharsets.UTF_8);
    }
}
