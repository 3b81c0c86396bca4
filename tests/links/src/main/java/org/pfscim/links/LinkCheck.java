package org.pfscim.links;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.Opcodes;

/** Looks up everything that a jar refers to. Arguments: the jar, then the places where the rest should be. */
public final class LinkCheck {
    private final Place place = new Place();
    private final Map<String, Type> own = new TreeMap<>();
    private final Map<String, References> references = new TreeMap<>();
    private final Set<String> problems = new TreeSet<>();
    private final Set<String> typesSeen = new HashSet<>();
    private final Set<String> membersSeen = new HashSet<>();

    private LinkCheck(Path jar, Iterable<Path> sources) throws IOException {
        for (Path source : sources) {
            place.add(source);
        }
        try (JarFile open = new JarFile(jar.toFile())) {
            for (JarEntry entry : Collections.list(open.entries())) {
                if (entry.getName().endsWith(".class")) {
                    try (InputStream in = open.getInputStream(entry)) {
                        ClassReader reader = new ClassReader(in);
                        own.put(reader.getClassName(), Type.read(reader));
                        references.put(reader.getClassName(), References.of(reader));
                    }
                }
            }
        }
    }

    /** Prints what is missing; the exit status is 1 where something is, 2 where a place cannot be read. */
    public static void main(String[] args) {
        Path jar = Paths.get(args[0]);
        Set<Path> sources = new LinkedHashSet<>();
        for (int i = 1; i < args.length; i++) {
            sources.add(Paths.get(args[i]));
        }
        try {
            LinkCheck check = new LinkCheck(jar, sources);
            check.run();
            System.out.println(check.told(jar));
            System.exit(check.problems.isEmpty() ? 0 : 1);
        } catch (IOException e) {
            System.err.println("linkCheck: " + e.getMessage());
            System.exit(2);
        }
    }

    /** What does not link, one line each. */
    static Set<String> problems(Path jar, Iterable<Path> sources) throws IOException {
        LinkCheck check = new LinkCheck(jar, sources);
        check.run();
        return check.problems;
    }

    private String told(Path jar) {
        String counted = jar.getFileName() + " refers to " + typesSeen.size() + " types and " + membersSeen.size()
            + " methods and fields outside the JDK and itself; ";
        return problems.isEmpty()
            ? counted + "all are there: " + place
            : counted + "these do not link with " + place + ":\n  " + String.join("\n  ", problems);
    }

    private void run() throws IOException {
        for (Type type : own.values()) {
            String user = type.name.replace('/', '.');
            References used = references.get(type.name);
            for (String name : used.types) {
                checkType(name, user);
            }
            for (References.Member member : used.members) {
                checkMember(member, user);
            }
            checkInherited(type, user);
        }
    }

    private Type find(String name) throws IOException {
        Type type = own.get(name);
        return type != null ? type : place.find(name);
    }

    private boolean isOutside(String name) throws IOException {
        return !own.containsKey(name) && !Place.isOfJdk(name);
    }

    private void checkType(String name, String user) throws IOException {
        if (isOutside(name)) {
            typesSeen.add(name);
            if (place.find(name) == null) {
                problems.add("missing: type " + name.replace('/', '.') + ", used by " + user);
            }
        }
    }

    private void checkMember(References.Member member, String user) throws IOException {
        // Inherited members are used by the name of the class that inherits them: of ours, too.
        Type owner = find(member.owner);
        String key = Type.key(member.name, member.descriptor);
        if (owner == null || own.containsKey(member.owner) && owner.members.containsKey(key)
                || Place.isOfJdk(member.owner)) {
            return;
        }
        Type holder = holder(owner, key, new HashSet<>());
        if (holder == null) {
            problems.add("missing: " + member + ", used by " + user);
            return;
        }
        if (!isOutside(holder.name)) {
            return;
        }
        membersSeen.add(holder.name + "." + key);
        int flags = holder.members.get(key);
        if ((flags & Opcodes.ACC_STATIC) != 0 != member.isStatic) {
            problems.add("changed: " + member + " is " + (member.isStatic ? "not static" : "static") + ", used by " + user);
        } else if ((flags & (Opcodes.ACC_PUBLIC | Opcodes.ACC_PROTECTED)) == 0) {
            problems.add("changed: " + member + " is not open to other packages, used by " + user);
        }
    }

    /** The type that declares a member, as linking finds it: the class itself, then what it comes from. */
    private Type holder(Type type, String key, Set<String> seen) throws IOException {
        if (type.members.containsKey(key)) {
            return type;
        }
        for (String parent : type.parents) {
            Type above = seen.add(parent) ? find(parent) : null;
            Type holder = above == null ? null : holder(above, key, seen);
            if (holder != null) {
                return holder;
            }
        }
        return null;
    }

    /** What a class of ours takes over from others: it must be open to that, and leave nothing undone. */
    private void checkInherited(Type type, String user) throws IOException {
        Set<String> seen = new HashSet<>();
        for (String parent : type.parents) {
            Type above = find(parent);
            if (above != null && above.is(Opcodes.ACC_FINAL)) {
                problems.add("changed: " + parent.replace('/', '.') + " is final, extended by " + user);
            }
            checkInherited(type, above, user, seen);
        }
    }

    private void checkInherited(Type type, Type above, String user, Set<String> seen) throws IOException {
        if (above == null || !seen.add(above.name)) {
            return;
        }
        for (Map.Entry<String, Integer> member : above.members.entrySet()) {
            String key = member.getKey();
            int flags = member.getValue();
            References.Member named = named(above.name, key);
            if (key.startsWith("<") || (flags & (Opcodes.ACC_PRIVATE | Opcodes.ACC_STATIC)) != 0) {
                continue;
            }
            if ((flags & Opcodes.ACC_FINAL) != 0 && type.members.containsKey(key) && key.contains("(")) {
                problems.add("changed: " + named + " is final, overridden by " + user);
            }
            boolean concrete = !type.is(Opcodes.ACC_ABSTRACT);
            if (concrete && (flags & Opcodes.ACC_ABSTRACT) != 0 && isOutside(above.name)) {
                Type holder = holder(type, key, new HashSet<>());
                if (holder == null || (holder.members.get(key) & Opcodes.ACC_ABSTRACT) != 0) {
                    problems.add("added: " + named + " is abstract, not implemented by " + user);
                }
            }
        }
        for (String parent : above.parents) {
            checkInherited(type, find(parent), user, seen);
        }
    }

    private static References.Member named(String owner, String key) {
        int space = key.indexOf(' ');
        return new References.Member(owner, key.substring(0, space), key.substring(space + 1), false);
    }
}
