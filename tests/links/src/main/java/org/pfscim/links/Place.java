package org.pfscim.links;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.Opcodes;

/** Where types come from: the JDK that runs this, jars, a list of signatures. The first that has a type gives it. */
final class Place {
    private static final String CLASS = ".class";
    /** The class path of the server, in its order (its Jetty module {@code pf.mod}). */
    private static final String[] CLASS_PATH = {"lib", "server/default/lib", "server/default/deploy"};
    private static final int DEPTH_OF_LIB = 3;

    private final Map<String, Type> types = new HashMap<>();
    private final Map<String, Path> jars = new HashMap<>();
    private final List<String> names = new ArrayList<>();

    /** Adds an installation, a jar, or a list of signatures. */
    void add(Path source) throws IOException {
        if (Files.isDirectory(source)) {
            addInstallation(source);
        } else if (source.toString().endsWith(".jar")) {
            addJar(source);
            names.add(source.getFileName().toString());
        } else {
            addList(source);
            names.add(source.getFileName().toString());
        }
    }

    @Override
    public String toString() {
        return String.join(", ", names);
    }

    /** The type of that name, or null. */
    Type find(String name) throws IOException {
        Type known = types.get(name);
        if (known == null) {
            known = read(name);
            types.put(name, known);
        }
        return known;
    }

    private Type read(String name) throws IOException {
        try (InputStream in = inJdk(name)) {
            if (in != null) {
                return Type.read(new ClassReader(in));
            }
        }
        Path jar = jars.get(name);
        if (jar == null) {
            return null;
        }
        try (JarFile open = new JarFile(jar.toFile()); InputStream in = open.getInputStream(open.getEntry(name + CLASS))) {
            return Type.read(new ClassReader(in));
        }
    }

    /** Whether the JDK has it, so that the compiler has checked it already. */
    static boolean isOfJdk(String name) throws IOException {
        try (InputStream in = inJdk(name)) {
            return in != null;
        }
    }

    private static InputStream inJdk(String name) {
        return ClassLoader.getSystemClassLoader().getParent().getResourceAsStream(name + CLASS);
    }

    private void addInstallation(Path folder) throws IOException {
        Path home = Files.isDirectory(folder.resolve("pingfederate")) ? folder.resolve("pingfederate") : folder;
        if (!Files.isDirectory(home.resolve("server/default/lib"))) {
            throw new IOException(folder + " is no PingFederate: there is no server/default/lib in it");
        }
        int count = 0;
        for (String part : CLASS_PATH) {
            if (Files.isDirectory(home.resolve(part))) {
                try (Stream<Path> files = Files.walk(home.resolve(part), part.equals("lib") ? DEPTH_OF_LIB : 1)) {
                    for (Path jar : files.filter(Place::isOfServer).sorted().collect(Collectors.toList())) {
                        addJar(jar);
                        count++;
                    }
                }
            }
        }
        names.add(count + " jars of " + home);
    }

    /** Not an earlier copy of what is being checked. */
    private static boolean isOfServer(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".jar") && !name.startsWith("pfscim-");
    }

    private void addJar(Path file) throws IOException {
        try (JarFile jar = new JarFile(file.toFile())) {
            for (JarEntry entry : Collections.list(jar.entries())) {
                if (entry.getName().endsWith(CLASS)) {
                    jars.putIfAbsent(entry.getName().substring(0, entry.getName().length() - CLASS.length()), file);
                }
            }
        } catch (IOException e) {
            throw new IOException(file + " cannot be read as a jar: " + e.getMessage(), e);
        }
    }

    /**
     * Tab-separated rows: T type kind supertypes, M and F type member descriptor flags. A type that a descriptor names is
     * there too, whatever is in it.
     */
    private void addList(Path list) throws IOException {
        for (String line : Files.readAllLines(list, StandardCharsets.UTF_8)) {
            String[] row = line.split("\t", -1);
            if (row[0].equals("T")) {
                Type type = listed(row[1]);
                type.flags |= (row[2].startsWith("abstract") ? Opcodes.ACC_ABSTRACT : 0)
                    | (row[2].endsWith("interface") ? Opcodes.ACC_INTERFACE : 0);
                for (String parent : row[3].split(" ")) {
                    if (!parent.isEmpty()) {
                        type.parents.add(parent.replace('.', '/'));
                    }
                }
                type.parents.add("java/lang/Object");
            } else if (row[0].equals("M") || row[0].equals("F")) {
                int flags = Opcodes.ACC_PUBLIC | (row[4].equals("abstract") ? Opcodes.ACC_ABSTRACT : 0)
                    | (row[4].equals("static") ? Opcodes.ACC_STATIC : 0);
                listed(row[1]).members.put(Type.key(row[2], row[3]), flags);
                for (String named : References.typesIn(row[3])) {
                    if (!isOfJdk(named)) {
                        listed(named.replace('/', '.'));
                    }
                }
            } else if (!line.startsWith("#")) {
                throw new IOException(list + ": a row of an unknown kind: " + line);
            }
        }
    }

    private Type listed(String name) {
        return types.computeIfAbsent(name.replace('.', '/'), known -> new Type(known, Opcodes.ACC_PUBLIC));
    }
}
